/** Whoever proves who it is by a password in each request: Redis is not asked about it each time, and no change is missed. */
import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { basic, worker } from '../support/oauth.js'
import { until } from '../support/redis-groups.js'
import { commandsDuring, countersOf } from '../support/redis-state.js'
import { operator, type TestService } from '../support/service.js'
import { LEASE_MS, SLACK_MS, startTwo } from './two-instances.js'

const email = 'worker@example.com'

/** Two instances, of which the one remembers who asks it. */
async function prepare(t: Test, login: string = worker.uid) {
  const { redis, here, there } = await startTwo(t)
  await there.addAccount({ ...worker, email })
  here.secrets.guard(worker.password)
  const ask = async (service: TestService, password: string = worker.password) => {
    const headers = { authorization: basic(login, password) }
    const payload = { tokens: ['no token'] } // about which nobody has to be asked
    return (await service.app.inject({ method: 'POST', url: '/verify', headers, payload })).statusCode
  }
  await until('an answer from memory', async () => {
    const commands = await commandsDuring(redis.client, () => ask(here))
    return Object.keys(commands).length === 0
  })
  return { redis, here, there, ask }
}

/** What a look-up costs, by its last command (`store/accounts.ts`). */
const lookUpsOf = async (client: Redis) => (await countersOf(client)).calls.hmget ?? 0

t.test('one who was right a moment ago costs no question to Redis', async (t) => {
  const { redis, here, ask } = await prepare(t)
  const ten = async () => {
    for (let i = 0; i < 10; i++) t.equal(await ask(here), 200)
  }
  t.strictSame(await commandsDuring(redis.client, ten), {})
  t.equal(await ask(here, 'another password'), 401)
  t.strictSame(await commandsDuring(redis.client, ten), {}, 'whatever others guess')
})

const changes: Record<string, { made(of: TestService): Promise<unknown>; status: number }> = {
  'its password was changed': {
    made: ({ accounts }) => accounts.setPassword(worker.uid, 'a new password for it', operator),
    status: 401,
  },
  'it was suspended': { made: ({ accounts }) => accounts.suspend(worker.uid, operator), status: 401 },
  'it was removed': { made: ({ accounts }) => accounts.remove(worker.uid, operator), status: 401 },
  'its role was taken away': {
    made: ({ accounts }) => accounts.update(worker.uid, { roles: [] }, operator),
    status: 403,
  },
}
for (const [what, { made, status }] of Object.entries(changes))
  t.test(`when ${what}, that is known at once here, and soon elsewhere`, async (t) => {
    const { here, there, ask } = await prepare(t)
    await made(there)
    t.equal(await ask(there), status, 'at once where it happened')
    const since = performance.now()
    await until('elsewhere', async () => (await ask(here)) === status)
    t.ok(performance.now() - since < LEASE_MS + SLACK_MS, `${Math.round(performance.now() - since)} ms`)
  })

t.test('a login name that was given to another account is that one’s', async (t) => {
  const { here, there, ask } = await prepare(t, email)
  await there.accounts.update(worker.uid, { email: null }, operator)
  await until('nobody has it', async () => (await ask(here)) === 401)
  await there.addAccount({ ...worker, uid: 'heir', email, roles: [] })
  t.equal(await ask(here), 403, 'who has the same password, but no role')
})

t.test('an account that changes while its password is compared is not remembered as it was', async (t) => {
  const { redis, here, there, ask } = await prepare(t)
  const password = 'a new password for it'
  here.secrets.guard(password)
  await there.accounts.setPassword(worker.uid, password, operator)
  await until('the old one is good no more', async () => (await ask(here)) === 401)
  const before = await lookUpsOf(redis.client)
  const comparing = ask(here, password)
  while ((await lookUpsOf(redis.client)) === before); // then it takes as long as an argon2 hash
  await there.accounts.update(worker.uid, { roles: [] }, operator)
  t.equal(await comparing, 200)
  await until('it has no role', async () => (await ask(here, password)) === 403)
})

t.test('with Redis frozen, nobody is remembered for longer than the lease', async (t) => {
  const { redis, here, ask } = await prepare(t)
  redis.freeze()
  const frozenAt = performance.now()
  let rememberedMs = 0
  while ((await ask(here)) === 200) rememberedMs = performance.now() - frozenAt
  t.equal(await ask(here), 503)
  t.ok(rememberedMs > 0 && rememberedMs < LEASE_MS + SLACK_MS, `${Math.round(rememberedMs)} ms`)
  redis.thaw()
  await until('recovery', async () => (await ask(here)) === 200)
})

t.test('by a password that is remembered, and was changed elsewhere, no session is opened', async (t) => {
  const { redis, here, there } = await prepare(t)
  const open = async () => {
    const headers = { authorization: basic(worker.uid, worker.password) }
    return (await here.app.inject({ method: 'POST', url: '/token', headers })).statusCode
  }
  t.equal(await open(), 201)
  let status = 0
  const racing = there.accounts.setPassword(worker.uid, 'a new password for it', operator)
  while (status !== 401) status = await open()
  await racing
  t.strictSame(await redis.client.keys('cs:{*'), [])
})
