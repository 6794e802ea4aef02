/** Sessions on a Redis Cluster: the scripts derive keys, and all of them must lie in the slot of the declared one. */
import t, { type Test } from 'tap'
import { connectRedis } from '../../src/store/connect.js'
import { startCluster } from '../support/redis-groups.js'
import { countersOf } from '../support/redis-state.js'
import { createSessionWorld, use } from '../support/sessions.js'

async function startWorld(t: Test) {
  const { url, masters } = await startCluster(t)
  const log = { info: () => undefined, warn: () => undefined }
  const connection = await connectRedis(url, { log })
  t.teardown(connection.close)
  return { masters, ...createSessionWorld(connection.client) }
}

t.test('sessions of many accounts on three masters', async (t) => {
  const { masters, store, clock, addAccount, open } = await startWorld(t)
  const owners = await Promise.all(Array.from({ length: 30 }, addAccount))
  const sessions = await Promise.all(owners.map((owner) => open(owner)))
  const homes = await Promise.all(masters.map(({ client }) => client.dbsize()))
  t.ok(
    homes.every((keys) => keys > 0),
    'on all of them',
  )

  const rotated = await Promise.all(sessions.map(({ at }) => store.present(at(1), 'rotate')))
  t.ok(rotated.every(({ verdict }) => verdict === 'rotated'))
  clock.now += 60_000
  const notes = sessions.map(({ tag, handle }) => ({ tag, handle, ...use }))
  t.same(new Set(await store.touch(notes)), new Set(sessions.map(({ handle }) => handle)))
  for (const [i, owner] of owners.entries()) {
    const { tag, handle = '' } = { ...owner, ...sessions[i] }
    t.equal(await store.subscribe(owner, handle, `sealed ${i}`), true)
    t.strictSame(await store.subscriptions(tag, [handle, 'another']), new Map([[handle, `sealed ${i}`]]))
  }
  const [owner, session] = [owners[0], sessions[0]]
  if (owner === undefined || session === undefined) return t.fail()
  for (let i = 0; i < 10; i++) await open(owner)
  t.equal((await store.list(owner)).length, 10)
  t.match(await store.present(session.at(2), 'rotate'), { verdict: 'revoked', reason: 'evicted' })
  t.equal((await store.revokeAll(owner, 'password')).length, 10)
  const [, ...others] = sessions
  const revoked = await Promise.all(others.map(({ tag, handle }) => store.revoke(tag, handle, 'sign-out')))
  t.ok(revoked.every((ended) => ended !== undefined))
  const after = await Promise.all(others.map(({ at }) => store.present(at(2), 'verify')))
  t.ok(after.every(({ verdict }) => verdict === 'revoked'))
  const left = await Promise.all(masters.map(({ client }) => client.keys('cs:ps:*')))
  t.strictSame(left.flat(), [], 'subscriptions went with their sessions')
})

t.test('what a turn presents reaches each master in one piece, however many calls it is', async (t) => {
  const { masters, addAccount, open, store } = await startWorld(t)
  const owners = await Promise.all(Array.from({ length: 300 }, addAccount))
  const sessions = await Promise.all(owners.map((owner) => open(owner)))
  const counters = () => Promise.all(masters.map(({ client }) => countersOf(client)))
  const before = await counters()
  await Promise.all(sessions.map(({ at }) => store.present(at(1), 'rotate')))
  for (const [i, after] of (await counters()).entries()) {
    const scripts = Number(after.calls.evalsha) - (before[i]?.calls.evalsha ?? 0)
    t.ok(scripts > 50, 'a call for each slot')
    const reads = after.reads - Number(before[i]?.reads)
    // One would do: but Redis reads 16 KB at a time, is asked for the counters, and looked at by its client now and then.
    t.ok(reads < 10, `${reads} reads`)
  }
})
