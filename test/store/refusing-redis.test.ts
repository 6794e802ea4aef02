/** Redis that will not write, or not always: what still can be answered is, and nothing is half done. */
import { Redis } from 'ioredis'
import t from 'tap'
import { startRedis } from '../support/redis.js'
import { createSessionWorld, life, newHandle, use } from '../support/sessions.js'

const { client: redis, socket } = await startRedis(t)
const { store, clock, addAccount, open } = createSessionWorld(redis)
const unavailable = { code: 'STORE_UNAVAILABLE', statusCode: 503 }

t.test('out of memory: tokens are judged, sessions end, nothing new is begun', async (t) => {
  const owner = await addAccount()
  const [used, fresh, stolen, leaving] = [
    await open(owner),
    await open(owner),
    await open(owner),
    await open(owner),
  ]
  for (const { at } of [used, stolen]) {
    await store.present(at(1), 'rotate')
    await store.present(at(2), 'rotate')
  }
  clock.now += 10_001
  const before = await redis.hgetBuffer(used.key, 'r')
  await redis.config('SET', 'maxmemory', '1')
  try {
    t.match(await store.present(used.at(2), 'rotate'), { verdict: 'current' }, 'due, but not rotated')
    t.same(await redis.hgetBuffer(used.key, 'r'), before)
    t.match(
      await store.present(fresh.at(1), 'rotate'),
      { verdict: 'current' },
      'first seen, and that is noted',
    )
    t.match(await store.present(fresh.at(1, 1), 'verify'), { verdict: 'fork', ended: true })
    const mixed = await Promise.all([
      store.present(stolen.at(1), 'rotate'),
      store.present(used.at(2), 'rotate'),
      store.present(stolen.at(2), 'rotate'),
    ])
    t.match(mixed, [{ verdict: 'replay', ended: true }, {}, { verdict: 'revoked', reason: 'replay' }])
    t.match(await store.revoke(leaving.tag, leaving.handle, 'sign-out'), {
      session: { handle: leaving.handle },
    })
    t.strictSame(await store.present(leaving.at(1), 'verify'), { verdict: 'revoked', reason: 'sign-out' })
    const attempt = { ...owner, handle: newHandle(), kind: 'rotating', scopes: [], life } as const
    await t.rejects(store.open(attempt), unavailable)
    await t.rejects(store.touch([{ tag: used.tag, handle: used.handle, ...use }]), unavailable)
    t.equal((await store.list(owner)).length, 1)
    t.strictSame(await store.revokeAll(owner, 'password'), [used.handle])
  } finally {
    await redis.config('SET', 'maxmemory', '0')
  }
  await open(owner)
})

t.test('a replica: accepts what needs no writing, refuses the rest', async (t) => {
  const owner = await addAccount()
  const [session, waiting] = [await open(owner), await open(owner)]
  await store.present(session.at(1), 'rotate')
  await store.present(session.at(2), 'rotate')
  const before = await redis.dumpBuffer(session.key)
  await redis.replicaof('127.0.0.1', '1')
  try {
    t.match(await store.present(session.at(2), 'rotate'), { verdict: 'current' })
    t.match(await store.present(session.at(1), 'rotate'), { verdict: 'accepted' })
    const mixed = await Promise.allSettled([
      store.present(session.at(2), 'rotate'),
      store.present(waiting.at(1), 'rotate'),
      store.present(session.at(1), 'verify'),
    ])
    t.match(
      mixed.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    t.match(mixed[1], { reason: unavailable })
    t.equal((await store.list(owner)).length, 2)
    await t.rejects(store.revoke(session.tag, session.handle, 'sign-out'), unavailable)
    await t.rejects(store.present(session.at(3), 'rotate'), unavailable, 'a fast-forward')
    t.same(await redis.dumpBuffer(session.key), before)
  } finally {
    await redis.replicaof('NO', 'ONE')
  }
  t.match(await store.present(waiting.at(1), 'rotate'), { verdict: 'rotated' })
})

t.test('too few replicas: no rotation and no revocation, which says so', async (t) => {
  const owner = await addAccount()
  const session = await open(owner)
  await store.present(session.at(1), 'verify')
  clock.now += 5000
  await redis.config('SET', 'min-replicas-to-write', '1')
  try {
    t.match(await store.present(session.at(1), 'verify'), { verdict: 'current' })
    await t.rejects(store.present(session.at(1), 'rotate'), unavailable)
    await t.rejects(store.revoke(session.tag, session.handle, 'sign-out'), unavailable)
  } finally {
    await redis.config('SET', 'min-replicas-to-write', '0')
  }
  t.match(await store.present(session.at(1), 'rotate'), { verdict: 'rotated', n: 2 }, 'nothing was half done')
})

t.test('a spoilt record is a bug, not an outage, and spoils nothing beside it', async (t) => {
  const owner = await addAccount()
  const [good, spoilt] = [await open(owner), await open(owner)]
  await redis.hset(spoilt.key, 'r', 'x')
  const [first, second] = await Promise.allSettled([
    store.present(spoilt.at(1), 'rotate'),
    store.present(good.at(1), 'rotate'),
  ])
  t.equal(first?.status, 'rejected')
  t.notMatch(first, { reason: unavailable })
  t.match(second, { value: { verdict: 'rotated' } })

  await redis.hset(owner.accountKey, 'doc', '{')
  await t.rejects(store.present(good.at(2), 'rotate'), { name: 'SyntaxError' })
})

t.test('calls in flight are bounded', async (t) => {
  const connection = new Redis({ path: socket })
  t.teardown(() => connection.disconnect())
  const bounded = createSessionWorld(connection, { mostInFlight: 3 })
  const session = await bounded.open(await bounded.addAccount())
  const results = await Promise.allSettled(
    Array.from({ length: 5 }, () => bounded.store.present(session.at(1), 'verify')),
  )
  const statuses = results.map(({ status }) => status)
  t.strictSame(statuses, ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'])
  t.match(results[4], { reason: unavailable })
  t.match(await bounded.store.present(session.at(1), 'verify'), { verdict: 'current' })
})

t.test('Redis gone: every call is an outage', async (t) => {
  const owner = await addAccount()
  const session = await open(owner)
  const connection = new Redis({ path: socket, enableOfflineQueue: false, maxRetriesPerRequest: 0 })
  connection.on('error', () => {})
  const lost = createSessionWorld(connection).store
  connection.disconnect()
  const { tag, handle } = session
  await t.rejects(lost.present(session.at(1), 'verify'), unavailable)
  await t.rejects(lost.open({ ...owner, handle: newHandle(), kind: 'fixed', scopes: [], life }), unavailable)
  await t.rejects(lost.revoke(tag, handle, 'sign-out'), unavailable)
  await t.rejects(lost.revokeAll(owner, 'password'), unavailable)
  await t.rejects(lost.list(owner), unavailable)
  await t.rejects(lost.touch([{ tag, handle, ...use }]), unavailable)
  await t.rejects(lost.ping(), unavailable)
})
