/** What must hold when calls race each other on several connections, by Redis' own clock. */
import { Redis } from 'ioredis'
import t from 'tap'
import { startRedis } from '../support/redis.js'
import { scriptsOf } from '../support/redis-state.js'
import { createSessionWorld, life, newHandle, use } from '../support/sessions.js'

const { client, socket } = await startRedis(t, { args: ['--appendonly', 'no', '--save', ''] })

function connect(): Redis {
  const redis = new Redis({ path: socket })
  t.teardown(() => redis.disconnect())
  return redis
}
const instances = Array.from({ length: 4 }, () => createSessionWorld(connect(), { realTime: true }))
const [one, other] = instances as [(typeof instances)[0], (typeof instances)[0]]
const accepting = new Set(['rotated', 'reissued', 'current', 'accepted'])

t.test('50 parallel openings under a cap of 10 leave exactly 10', async (t) => {
  const owner = await one.addAccount()
  const openings = Array.from({ length: 50 }, (_, i) => {
    const { store } = instances[i % instances.length] ?? one
    return store.open({ ...owner, handle: newHandle(), kind: 'rotating', scopes: [], use, life })
  })
  const opened = await Promise.all(openings)
  const left = await one.store.list(owner)
  t.equal(left.length, 10)
  t.equal(await client.zcard(owner.indexKey), 10)
  t.equal(
    (await client.keys(`cs:*{${owner.tag}}*`)).length,
    1 + 1 + 10 + 40,
    'account, set, records, tombstones',
  )
  const evicted = opened.flatMap((each) => ('evicted' in each ? each.evicted : []))
  t.equal(new Set(evicted).size, 40, 'each told once, to whoever caused it')
  t.notOk(left.some(({ session }) => evicted.includes(session.handle)))
})

t.test('50 parallel openings with one description leave exactly one', async (t) => {
  const owner = await one.addAccount()
  const openings = Array.from({ length: 50 }, (_, i) => {
    const { store } = instances[i % instances.length] ?? one
    const jwt = {
      kind: 'jwt',
      scopes: [],
      description: 'deploy',
      life: { ...life, maxSessions: 100 },
    } as const
    return store.open({ ...owner, handle: newHandle(), ...jwt })
  })
  const verdicts = (await Promise.all(openings)).map(({ verdict }) => verdict)
  t.equal(verdicts.filter((verdict) => verdict === 'opened').length, 1)
  t.equal(verdicts.filter((verdict) => verdict === 'description-taken').length, 49)
})

t.test(
  '10,000 revocations racing presentations and notes: never accepted afterwards, never recreated',
  async (t) => {
    const ROUNDS = 40
    const SESSIONS = 250
    let acceptedAfter = 0
    let acceptedBefore = 0
    let recreated = 0
    for (let round = 0; round < ROUNDS; round++) {
      const owner = await one.addAccount()
      const generous = { life: { ...life, maxSessions: SESSIONS + 1 } }
      const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => one.open(owner, generous)))
      await Promise.all(
        sessions.map(async ({ tag, handle, at }, i) => {
          let acknowledged = false
          const present = async (): Promise<void> => {
            const late = acknowledged
            const { verdict } = await one.store.present(at(1), 'rotate')
            if (accepting.has(verdict)) late ? acceptedAfter++ : acceptedBefore++
          }
          const revoke = async (): Promise<void> => {
            if (i % 2 === 0) await new Promise(setImmediate)
            await other.store.revoke(tag, handle, 'sign-out')
            acknowledged = true
          }
          await Promise.all([present(), one.store.touch([{ tag, handle, ...use }]), revoke(), present()])
          await Promise.all([present(), one.store.touch([{ tag, handle, ...use }])])
        }),
      )
      recreated += await client.exists(owner.indexKey, ...sessions.map(({ key }) => key))
    }
    t.equal(acceptedAfter, 0)
    t.equal(recreated, 0)
    t.ok(acceptedBefore > 0, `a race: ${acceptedBefore} of ${2 * ROUNDS * SESSIONS} came before`)
  },
)

t.test('ending all while others are opened and used: what was there is gone', async (t) => {
  for (let round = 0; round < 50; round++) {
    const owner = await one.addAccount()
    const before = await Promise.all(Array.from({ length: 5 }, () => one.open(owner)))
    const [ended] = await Promise.all([
      other.store.revokeAll(owner, 'password'),
      one.open(owner),
      ...before.map(({ at }) => one.store.present(at(1), 'rotate')),
    ])
    const verdicts = await Promise.all(before.map(({ at }) => one.store.present(at(2), 'verify')))
    if (!verdicts.every(({ verdict }) => verdict === 'revoked')) return t.fail('one lives')
    if (!before.every(({ handle }) => ended.includes(handle))) return t.fail('one was not told')
  }
  t.pass('50 rounds')
})

t.test('50 tabs present one token at once: one answer carries the next', async (t) => {
  const owner = await one.addAccount()
  const { at } = await one.open(owner)
  const presented = await Promise.all(
    Array.from({ length: 50 }, (_, i) => (instances[i % 4] ?? one).store.present(at(1), 'rotate')),
  )
  const verdicts = presented.map(({ verdict }) => verdict)
  t.equal(verdicts.filter((verdict) => verdict === 'rotated').length, 1)
  t.equal(verdicts.filter((verdict) => verdict === 'accepted').length, 49)
})

t.test('presentations of one turn are one call, however many accounts they are of', async (t) => {
  const sessions = await Promise.all(Array.from({ length: 30 }, async () => one.open(await one.addAccount())))
  const before = await scriptsOf(client)
  await Promise.all(sessions.map(({ at }) => one.store.present(at(1), 'rotate')))
  t.equal((await scriptsOf(client)) - before, 1)
  await one.store.present((sessions[0] as (typeof sessions)[0]).at(2), 'rotate')
  t.equal((await scriptsOf(client)) - before, 2)
})
