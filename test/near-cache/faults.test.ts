/** What fails between a process and its Redis makes it ask, or refuse; never accept for longer than the bound. */
import { execFileSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { inCheckout } from '../support/checkout.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/redis-groups.js'
import { scriptsOf } from '../support/redis-state.js'
import { type StreamFault, startStreamProxy } from '../support/stream-proxy.js'
import { openFixedSessions } from './fixed-sessions.js'
import { startServerProcess } from './server-process.js'

const BOUND_MS = 1_000
/** What a busy machine may add between two looks. */
const SLACK_MS = 500

execFileSync(process.execPath, [inCheckout('scripts/build.mjs')])

/** `here` revokes; `there` has the sessions in memory, and reaches Redis through a wire that can fail. */
async function prepare(t: Test) {
  const redis = await startRedis(t)
  const wire = await startStreamProxy(t, redis, 'there')
  const keys = generateMasterKeys()
  const [here, there] = await Promise.all([
    startServerProcess(t, redis.url, keys),
    startServerProcess(t, wire.url, keys),
  ])
  const tokens = await openFixedSessions(redis.client, keys, 20)
  const scripts = () => scriptsOf(redis.client)
  /** Until ten looks at a token cost no more than the note of its use. */
  async function warm(token: string): Promise<void> {
    await until('accepted from memory', async () => {
      const before = await scripts()
      const looks = await Promise.all(Array.from({ length: 10 }, () => there.verify(token)))
      return looks.every((status) => status === 200) && (await scripts()) - before <= 1
    })
  }
  const [token = '', other = '', ...spare] = tokens
  await warm(token)
  return { redis, wire, here, there, token, other, spare, scripts, warm }
}

/** @returns for how long after the revocation was acknowledged the token was accepted, ms */
async function acceptedAfterRevocation({
  here,
  there,
  token,
}: Awaited<ReturnType<typeof prepare>>): Promise<number> {
  if ((await here.revoke(token)) !== 204) throw new Error('not revoked')
  const revokedAt = performance.now()
  let lastAcceptAt = revokedAt
  await until('a refusal', async () => {
    const status = await there.verify(token)
    if (status === 200) lastAcceptAt = performance.now()
    return status === 401
  })
  return lastAcceptAt - revokedAt
}

for (const fault of ['killed', 'black-holed', 'half-open'] satisfies StreamFault[])
  t.test(`the stream is ${fault}`, async (t) => {
    const world = await prepare(t)
    world.wire.breakStreams(fault)
    if (fault === 'killed') await delay(5) // its end is seen in the next turns
    const acceptedMs = await acceptedAfterRevocation(world)
    t.comment(`accepted for ${acceptedMs.toFixed(0)} ms`)
    t.ok(acceptedMs < BOUND_MS + SLACK_MS)
    if (fault === 'killed') t.equal(acceptedMs, 0)
    world.wire.heal()
    await world.warm(world.other)
    t.pass('and memory serves again by itself when it is up')
  })

t.test('by what is still accepted from memory after its end, no session is opened', async (t) => {
  const { wire, here, there, token, other } = await prepare(t)
  t.equal(await there.openAnother(other), 201, 'else one is')
  wire.breakStreams('half-open')
  t.equal(await here.revoke(token), 204)
  t.strictSame([await there.verify(token), await there.openAnother(token)], [200, 401])
})

t.test('a stopped process refuses at its first look', async (t) => {
  const world = await prepare(t)
  const { here, there, token } = world
  process.kill(there.pid, 'SIGSTOP')
  t.teardown(() => process.kill(there.pid, 'SIGCONT'))
  t.equal(await here.revoke(token), 204)
  const asked = there.verify(token) // it lies in the socket when the process goes on
  await delay(BOUND_MS)
  process.kill(there.pid, 'SIGCONT')
  t.equal(await asked, 401)
})

t.test('an answer that was asked for before a revocation, and comes after it, is not kept', async (t) => {
  const { redis, wire, here, there, spare, scripts } = await prepare(t)
  for (const token of spare) {
    const before = await scripts()
    const release = wire.holdReplies()
    const racing = there.verify(token)
    await until('judged', async () => (await scripts()) > before)
    t.equal(await here.revoke(token), 204)
    await redis.client.ping() // what it has to tell of that is on its way
    release()
    const status = await racing
    t.equal(await there.verify(token), 401)
    if (status === 200) return t.pass('it was accepted, as of then')
  }
  t.fail('Redis was never answered in time')
})
