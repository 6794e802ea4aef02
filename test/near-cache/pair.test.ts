/** The near-cache cannot lie: what another instance revokes, changes or forgets is not accepted here from memory. */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { until } from '../support/redis-groups.js'
import { commandsDuring } from '../support/redis-state.js'
import { ada, operator, type TestService } from '../support/service.js'
import { LEASE_MS, SLACK_MS, startTwo } from './two-instances.js'

/** Two instances on one Redis, and a token that does not rotate. */
async function prepare(t: Test) {
  const { redis, here, there } = await startTwo(t)
  await here.addAccount()
  here.secrets.guard(ada.password)
  const authorization = `Basic ${Buffer.from(`${ada.uid}:${ada.password}`).toString('base64')}`
  const opened = await here.app.inject({ method: 'POST', url: '/token', headers: { authorization } })
  const token: string = opened.json().id
  const bearer = { authorization: `Bearer ${token}` }
  const verify = async ({ app }: TestService) =>
    (await app.inject({ method: 'POST', url: '/token/verify', headers: bearer })).statusCode
  /** On the one instance. */
  const revoke = async () => {
    const payload = { id: token }
    return (await here.app.inject({ method: 'DELETE', url: '/token', headers: bearer, payload })).statusCode
  }
  return { redis, here, there, bearer, verify, revoke }
}

/** Verifies until it costs no command: the lease is there and the answer is kept. */
async function warm({ redis, there, verify }: Awaited<ReturnType<typeof prepare>>): Promise<void> {
  await until('an answer from memory', async () => {
    let status = 0
    const commands = await commandsDuring(redis.client, async () => {
      status = await verify(there)
    })
    return status === 200 && Object.keys(commands).length === 0
  })
}

t.test('a hit asks Redis nothing', async (t) => {
  const pair = await prepare(t)
  await warm(pair)
  const ten = () => Promise.all(Array.from({ length: 10 }, () => pair.verify(pair.there)))
  // Where it is used is noted after the fact, in one script call for all ten.
  const { evalsha = 0, ...others } = await commandsDuring(pair.redis.client, ten)
  t.ok(evalsha <= 1)
  t.strictSame(evalsha === 0 ? others : {}, {})
})

t.test('what one instance revokes, the other refuses within milliseconds', async (t) => {
  const pair = await prepare(t)
  await warm(pair)
  t.equal(await pair.revoke(), 204)
  t.equal(await pair.verify(pair.here), 401, 'at once where it was revoked')
  const since = performance.now()
  await until('a refusal', async () => (await pair.verify(pair.there)) === 401)
  t.ok(performance.now() - since < SLACK_MS, 'and soon everywhere else')
})

t.test('suspension, roles and cut-offs travel the same way', async (t) => {
  const pair = await prepare(t)
  const { here, there, bearer } = pair
  const roles = async () =>
    (await there.app.inject({ url: '/gateway/nginx', headers: bearer })).headers['x-auth-roles']
  await warm(pair)
  t.equal(await roles(), '-')
  await here.accounts.update(ada.uid, { roles: ['service'] }, operator)
  await until('the new role', async () => (await roles()) === 'service')
  await warm(pair)
  await here.accounts.signOutEverywhere(ada.uid, operator)
  await until('a refusal after the cut-off', async () => (await pair.verify(there)) === 401)
})

t.test('a suspended user is refused from memory by nobody', async (t) => {
  const pair = await prepare(t)
  await warm(pair)
  await pair.here.accounts.suspend(ada.uid, operator)
  t.equal(await pair.verify(pair.here), 403, 'at once where it was suspended')
  await until('a refusal', async () => (await pair.verify(pair.there)) === 403)
})

t.test('FLUSHALL forgets everything', async (t) => {
  const pair = await prepare(t)
  await warm(pair)
  await pair.redis.client.flushall()
  await until('a refusal', async () => (await pair.verify(pair.there)) === 401)
})

t.test('without its stream, nothing is accepted from memory', async (t) => {
  const pair = await prepare(t)
  await warm(pair)
  const streams = String(await pair.redis.client.client('LIST'))
    .split('\n')
    .filter((line) => line.includes('name=countersign-invalidations'))
  t.equal(streams.length, 2)
  for (const line of streams) await pair.redis.client.client('KILL', 'ID', /id=(\d+)/.exec(line)?.[1] ?? '')
  t.equal(await pair.revoke(), 204)
  await delay(5) // the socket's end is seen in the next turns
  t.equal(await pair.verify(pair.there), 401, 'a revocation that nobody could hear of')
})

t.test('with Redis frozen, memory lasts as long as the lease', async (t) => {
  const pair = await prepare(t)
  await warm(pair)
  pair.redis.freeze()
  const frozenAt = performance.now()
  let lastAccept = frozenAt
  while (performance.now() - frozenAt < 2 * LEASE_MS) {
    if ((await pair.verify(pair.there)) === 200) lastAccept = performance.now()
    await delay(20)
  }
  pair.redis.thaw()
  t.ok(lastAccept - frozenAt > 0, 'it goes on answering for a while')
  t.ok(lastAccept - frozenAt < LEASE_MS + SLACK_MS, `${Math.round(lastAccept - frozenAt)} ms`)
  await until('recovery', async () => (await pair.verify(pair.there)) === 200)
})

for (const silentMs of [400, 1_500])
  t.test(`Redis silent for ${silentMs} ms: memory serves again afterwards`, async (t) => {
    const pair = await prepare(t)
    await warm(pair)
    pair.redis.freeze()
    await delay(silentMs)
    pair.redis.thaw()
    await delay(LEASE_MS) // what was leased before is over
    await warm(pair)
  })

t.test('a stalled instance refuses at its first look', async (t) => {
  const pair = await prepare(t)
  await warm(pair)
  t.equal(await pair.revoke(), 204)
  const stalledUntil = performance.now() + LEASE_MS + 50
  while (performance.now() < stalledUntil); // nothing is heard meanwhile
  t.equal(await pair.verify(pair.there), 401)
})
