import t from 'tap'
import { sessionsOfKey, subscriptionKey } from '../../src/store/keys.js'
import { startRedis } from '../support/redis.js'
import { commandsDuring } from '../support/redis-state.js'
import { createSessionWorld, DAY_MS, life, NOON_MS } from '../support/sessions.js'

const { client: redis } = await startRedis(t)
const { store, clock, addAccount, open } = createSessionWorld(redis)

t.beforeEach(() => {
  clock.now = NOON_MS
})

t.test('one a session, replaced and taken away', async (t) => {
  const owner = await addAccount()
  const { tag, handle } = await open(owner)
  const other = await open(owner)
  const stored = async () => [...(await store.subscriptions(tag, [handle, other.handle])).values()]
  const shown = async () =>
    (await store.list(owner)).flatMap((one) => (one.notifications ? [one.session.handle] : []))

  t.equal(await store.unsubscribe(owner, handle), false, 'there is none')
  t.equal(await store.subscribe(owner, handle, 'sealed'), true)
  t.strictSame([await stored(), await shown()], [['sealed'], [handle]])
  t.equal(await store.subscribe(owner, handle, 'newer'), true)
  t.strictSame(await stored(), ['newer'])

  t.equal(await store.unsubscribe(owner, handle, 'sealed'), false, 'another one')
  t.strictSame([await stored(), await shown()], [['newer'], [handle]])
  t.equal(await store.unsubscribe(owner, handle, 'newer'), true)
  t.strictSame([await stored(), await shown()], [[], []])
  t.strictSame(await store.subscriptions(tag, []), new Map())
})

t.test('only of a live session, and only of the account whose it is', async (t) => {
  const [owner, stranger] = [await addAccount(), await addAccount()]
  const { tag, handle } = await open(owner)
  t.equal(await store.subscribe({ ...stranger, tag }, handle, 'sealed'), false)
  t.equal(await store.subscribe(owner, 'AAAAAAAAAAAAAAAAAAAAAA', 'sealed'), false)
  clock.now += life.idleMs
  t.equal(await store.subscribe(owner, handle, 'sealed'), false, 'it is over')
  t.equal(await redis.exists(subscriptionKey(tag, handle)), 0)
})

t.test('it goes when its session does, and moves on with it', async (t) => {
  const owner = await addAccount()
  const session = await open(owner)
  const key = subscriptionKey(session.tag, session.handle)
  const near = async (expectedMs: number) => {
    const left = await redis.pttl(key)
    t.ok(left <= expectedMs && left > expectedMs - 60_000, `${left} of ${expectedMs}`)
  }
  clock.now += DAY_MS
  await store.subscribe(owner, session.handle, 'sealed')
  await near(13 * DAY_MS)
  await store.present(session.at(1), 'rotate')
  await near(14 * DAY_MS)
  clock.now += DAY_MS
  await store.touch([{ ...session, ip: '', userAgent: '' }])
  await near(14 * DAY_MS)

  clock.now += 14 * DAY_MS
  t.equal((await store.present(session.at(1), 'verify')).verdict, 'expired')
  t.equal(await redis.exists(key), 0)
})

t.test('it ends with its session', async (t) => {
  const owner = await addAccount()
  for (const end of [
    ({ tag, handle }: { tag: string; handle: string }) => store.revoke(tag, handle, 'sign-out'),
    () => store.revokeAll(owner, 'password'),
    () => redis.hset(owner.accountKey, 'nb', clock.now + 1).then(() => store.list(owner)),
  ]) {
    const { tag, handle } = await open(owner)
    await store.subscribe(owner, handle, 'sealed')
    t.equal(await redis.exists(subscriptionKey(tag, handle)), 1)
    await end({ tag, handle })
    t.equal(await redis.exists(subscriptionKey(tag, handle)), 0)
    t.equal(await redis.exists(sessionsOfKey(owner)), 0)
  }
})

t.test('a session without one costs what it did: its record is as small, its end as cheap', async (t) => {
  const owner = await addAccount()
  const { key, tag, handle } = await open(owner)
  t.strictSame((await redis.hkeys(key)).sort(), ['r', 'u'])
  const commands = await commandsDuring(redis, () => store.revoke(tag, handle, 'sign-out'))
  t.match(commands, { hmget: 1, del: 1 })
})
