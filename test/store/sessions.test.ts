import t from 'tap'
import { accountFields, formatAccount } from '../../src/store/account-record.js'
import { accountKey } from '../../src/store/keys.js'
import { startRedis } from '../support/redis.js'
import { commandsDuring } from '../support/redis-state.js'
import { createSessionWorld, DAY_MS, life, NOON_MS, newHandle, use } from '../support/sessions.js'

const { client: redis } = await startRedis(t)
const world = createSessionWorld(redis)
const { store, clock, addAccount, open } = world
const verdictOf = async (presenting: Promise<{ verdict: string }>) => (await presenting).verdict

t.beforeEach(() => {
  clock.now = NOON_MS
})

t.test('a session from its opening to its end', async (t) => {
  const { uid, tag, account, indexKey } = await addAccount()
  const handle = newHandle()
  const opened = await store.open({
    tag,
    handle,
    uid,
    kind: 'rotating',
    scopes: ['read', 'write'],
    use,
    life,
  })
  const session = {
    ...{ handle, tag, uid, kind: 'rotating', scopes: ['read', 'write'] },
    ...{ createdAt: NOON_MS, expiresAt: NOON_MS + 14 * DAY_MS, endsAt: NOON_MS + 90 * DAY_MS },
  }
  t.strictSame(opened, { verdict: 'opened', session, account, evicted: [] })

  const first = { tag, handle, n: 1, b: 0 }
  const rotated = { ...session, expiresAt: session.expiresAt + 1000 }
  t.match(await store.present(first, 'rotate'), { verdict: 'rotated', n: 2, b: 0, session: rotated, account })
  t.match(await store.present(first, 'rotate'), {
    verdict: 'accepted',
    session: rotated,
    account,
    repair: undefined,
  })
  t.match(await store.present({ ...first, n: 2 }, 'rotate'), { verdict: 'current', session: rotated })
  clock.now += 5000
  t.match(await store.present({ ...first, n: 2 }, 'verify'), { verdict: 'current' })
  t.match(await store.present({ ...first, n: 2 }, 'rotate'), { verdict: 'rotated', n: 3, b: 0 })
  t.match(await store.present({ ...first, n: 3 }, 'force'), { verdict: 'rotated', n: 4, b: 0 })

  t.match(await store.revoke(tag, handle, 'sign-out'), {
    session: { handle, uid },
    account,
    lastUse: { ip: use.ip },
  })
  t.strictSame(await store.present({ ...first, n: 4 }, 'rotate'), { verdict: 'revoked', reason: 'sign-out' })
  t.equal(await store.revoke(tag, handle, 'sign-out'), undefined, 'ending it twice is no error')
  t.equal(await redis.exists(indexKey), 0)
  t.equal((await store.open({ tag, handle, uid, kind: 'rotating', scopes: [], life })).verdict, 'revoked')
})

t.test('opening is refused without an account, for a suspended one; and repeated without harm', async (t) => {
  const owner = await addAccount()
  const { tag, uid, accountKey } = owner
  const session = await open(owner)
  await store.present(session.at(1), 'rotate')
  const again = await store.open({
    tag,
    handle: session.handle,
    uid,
    kind: 'rotating',
    scopes: ['admin'],
    life,
  })
  t.match(again, { verdict: 'opened', session: { scopes: [] }, evicted: [] })
  t.match(await store.present(session.at(2), 'rotate'), { verdict: 'current' }, 'it is where it was')

  const attempt = { tag, handle: newHandle(), uid, kind: 'fixed', scopes: [], life } as const
  await redis.hset(accountKey, accountFields.suspendedAt, NOON_MS)
  t.strictSame(await store.open(attempt), { verdict: 'suspended' })
  t.strictSame(await store.present(session.at(2), 'rotate'), { verdict: 'suspended' })
  await redis.hdel(accountKey, accountFields.suspendedAt)
  t.match(await store.present(session.at(2), 'rotate'), { verdict: 'current' }, 'suspended is not ended')
  await redis.del(accountKey)
  t.strictSame(await store.open(attempt), { verdict: 'unknown' })
  t.strictSame(await store.present(session.at(2), 'rotate'), { verdict: 'unknown' })
  t.equal(await redis.exists(session.key), 0)
})

t.test('a token presented for another account changes nothing', async (t) => {
  const [mine, yours] = [await addAccount(), await addAccount()]
  const session = await open(mine)
  const before = await redis.dumpBuffer(session.key)
  for (const n of [1, 2, 7]) {
    const presented = await store.present({ ...session.at(n), uidHash: yours.uidHash }, 'force')
    t.strictSame(presented, { verdict: 'mismatch' })
  }
  t.same(await redis.dumpBuffer(session.key), before)
  t.equal(await store.revoke(session.tag, session.handle, 'sign-out', yours.uidHash), undefined)
  t.match(await store.present({ ...session.at(1), uidHash: mine.uidHash }, 'rotate'), { verdict: 'rotated' })
})

t.test('theft: replay and fork end the session, or only the request', async (t) => {
  const lenient = createSessionWorld(redis, { rotation: { onReplay: 'reject' } })
  for (const [{ store, clock, open, addAccount }, ended] of [
    [world, true],
    [lenient, false],
  ] as const) {
    const owner = await addAccount()
    const stolen = await open(owner)
    await store.present(stolen.at(1), 'rotate')
    await store.present(stolen.at(2), 'rotate')
    clock.now += 10_001
    const replay = await store.present(stolen.at(1), 'rotate')
    t.match(replay, { verdict: 'replay', ended, session: { handle: stolen.handle }, lastUse: { ip: use.ip } })
    t.equal(await verdictOf(store.present(stolen.at(2), 'verify')), ended ? 'revoked' : 'current')

    const forked = await open(owner)
    t.match(await store.present(forked.at(1, 0), 'verify'), { verdict: 'current' })
    t.match(await store.present(forked.at(1, 1), 'verify'), { verdict: 'fork', ended })
    t.equal(await verdictOf(store.present(forked.at(1, 0), 'verify')), ended ? 'revoked' : 'current')
  }
})

t.test('fixed and jwt sessions do not rotate', async (t) => {
  const owner = await addAccount()
  for (const kind of ['fixed', 'jwt'] as const) {
    const session = await open(owner, { kind })
    for (const mode of ['verify', 'rotate', 'force'] as const)
      t.match(await store.present(session.at(0), mode), { verdict: 'current', session: { kind } })
  }
})

t.test('idle and absolute life, to the millisecond', async (t) => {
  const owner = await addAccount()
  const session = await open(owner, {
    kind: 'fixed',
    life: { idleMs: 100_000, absoluteMs: 250_000, maxSessions: 9 },
  })
  const expiry = async () => {
    const presented = await store.present(session.at(0), 'verify')
    return 'session' in presented ? presented.session.expiresAt - NOON_MS : presented.verdict
  }
  t.equal(await expiry(), 100_000)
  clock.now = NOON_MS + 99
  t.equal(await expiry(), 100_000, 'written when it gains a thousandth of the idle life')
  clock.now = NOON_MS + 100
  t.equal(await expiry(), 100_100)
  clock.now = NOON_MS + 50
  t.equal(await expiry(), 100_100, 'never decreases, even when the clock goes back')
  clock.now = NOON_MS + 100_099
  t.equal(await expiry(), 200_099)
  t.equal(await redis.zscore(owner.indexKey, session.handle), String(Math.ceil((NOON_MS + 200_099) / 1000)))
  const left = await redis.pttl(session.key)
  t.ok(left <= 100_000 && left > 90_000, 'the record goes with it')
  clock.now = NOON_MS + 200_000
  t.equal(await expiry(), 250_000, 'never passes the absolute end')
  clock.now = NOON_MS + 249_999
  t.equal(await expiry(), 250_000)
  clock.now = NOON_MS + 250_000
  t.equal(await expiry(), 'expired')
  t.equal(await expiry(), 'unknown', 'and gone')

  const busy = await open(await addAccount(), {
    life: { idleMs: 100_000, absoluteMs: 150_000, maxSessions: 9 },
  })
  const { now } = clock
  const ends: number[] = []
  for (const [afterMs, n] of [
    [0, 1],
    [999, 2],
    [2000, 3],
    [60_000, 4],
  ] as const) {
    clock.now = now + afterMs
    const presented = await store.present(busy.at(n), 'force')
    ends.push('session' in presented ? presented.session.expiresAt - now : 0)
  }
  t.strictSame(ends, [101_000, 102_000, 103_000, 150_000], 'a newer token has a later end, to the second')

  const unused = await open(owner, {
    kind: 'fixed',
    life: { idleMs: 1000, absoluteMs: 5000, maxSessions: 9 },
  })
  clock.now += 999
  t.match(await store.list(owner), [{ session: { handle: unused.handle } }])
  clock.now += 1
  t.strictSame(await store.list(owner), [])
  t.equal(await verdictOf(store.present(unused.at(0), 'verify')), 'expired')
  await t.rejects(open(owner, { life: { ...life, absoluteMs: 40 * 366 * DAY_MS } }), RangeError)
})

t.test('the cap ends the least recently used of its kind, never the new one', async (t) => {
  const owner = await addAccount()
  const capped = { life: { ...life, maxSessions: 3 } }
  const [one, two, three] = [await open(owner, capped), await open(owner, capped), await open(owner, capped)]
  const other = await open(owner, { ...capped, kind: 'fixed' })
  clock.now += 1000
  await store.present(one.at(1), 'rotate')
  clock.now += 1000
  await store.touch([{ tag: two.tag, handle: two.handle, ...use }])
  clock.now += 1000
  const four = await store.open({ ...owner, handle: newHandle(), kind: 'rotating', scopes: [], ...capped })
  t.match(four, { verdict: 'opened', evicted: [three.handle] })
  const lowered = await store.open({
    ...owner,
    handle: newHandle(),
    kind: 'rotating',
    scopes: [],
    life: { ...life, maxSessions: 2 },
  })
  t.match(lowered, { verdict: 'opened', evicted: [one.handle, two.handle] })
  t.strictSame(await store.present(one.at(2), 'verify'), { verdict: 'revoked', reason: 'evicted' })
  t.match(
    await store.present(other.at(0), 'verify'),
    { verdict: 'current' },
    'another kind counts for itself',
  )
})

t.test('descriptions of live jwts are unique; an expired one is listed for a while', async (t) => {
  const owner = await addAccount()
  const jwt = {
    kind: 'jwt',
    description: 'deploy',
    life: { idleMs: 1, absoluteMs: 60_000, maxSessions: 9, lingerMs: DAY_MS },
  } as const
  const first = await open(owner, jwt)
  t.strictSame(await store.open({ ...owner, ...jwt, handle: newHandle(), scopes: [] }), {
    verdict: 'description-taken',
  })
  await open(owner, { ...jwt, description: 'build' })
  await open(await addAccount(), jwt)
  await open(owner, { ...jwt, kind: 'fixed' })
  clock.now += 60_000
  t.strictSame(await store.present(first.at(0), 'verify'), { verdict: 'expired' })
  t.match(await store.list(owner), [{ description: /deploy|build/ }, { description: /deploy|build/ }])
  await open(owner, jwt)
  clock.now += DAY_MS
  t.equal((await store.list(owner)).length, 1)
})

t.test('all at once, or all but one; and by a cut-off', async (t) => {
  const owner = await addAccount()
  const [one, two, three] = [
    await open(owner),
    await open(owner, { kind: 'fixed' }),
    await open(owner, { kind: 'jwt' }),
  ]
  t.same(new Set(await store.revokeAll(owner, 'password', two.handle)), new Set([one.handle, three.handle]))
  t.match(await store.list(owner), [{ session: { handle: two.handle, kind: 'fixed' } }])
  t.strictSame(await store.present(one.at(1), 'rotate'), { verdict: 'revoked', reason: 'password' })

  await redis.hset(owner.accountKey, accountFields.notBefore, NOON_MS + 1)
  t.strictSame(await store.present(two.at(0), 'verify'), { verdict: 'revoked', reason: 'cut-off' })
  const later = await open(owner)
  t.match(
    await store.list(owner),
    [{ session: { handle: later.handle, createdAt: NOON_MS + 1 } }],
    'not of the cut-off millisecond',
  )
  t.match(await store.present(later.at(1), 'rotate'), { verdict: 'rotated' })
  t.strictSame(await store.revokeAll(owner, 'password'), [later.handle])
  t.strictSame(await store.revokeAll(owner, 'password'), [])
})

t.test('one is listed without a look at the others, and by its own account alone', async (t) => {
  const [owner, stranger] = [await addAccount(), await addAccount()]
  const lone = await open(stranger)
  const many: Awaited<ReturnType<typeof open>>[] = []
  for (let i = 0; i < 10; i++) many.push(await open(owner, { description: `the ${i}th` }))
  const third = many[3]?.handle as string

  const all = await store.list(owner)
  t.strictSame(
    await store.list(owner, third),
    all.filter(({ session }) => session.handle === third),
  )
  const commandsFor = (place: typeof owner, handle: string) =>
    commandsDuring(redis, () => store.list(place, handle))
  t.strictSame(await commandsFor(owner, third), await commandsFor(stranger, lone.handle))

  const neighbour = { tag: owner.tag, uidHash: stranger.uidHash }
  await redis.hset(accountKey(neighbour), accountFields.doc, formatAccount(stranger.account))
  t.strictSame(await store.list(neighbour, third), [], 'another account of the same tag')
  t.strictSame(await store.list(owner, newHandle()), [])
  clock.now += life.idleMs
  t.strictSame(await store.list(owner, third), [], 'expired')
})

t.test('uses are noted afterwards, newest wins, and nothing comes back to life', async (t) => {
  const owner = await addAccount()
  const [session, gone] = [await open(owner), await open(owner)]
  await store.revoke(gone.tag, gone.handle, 'sign-out')
  clock.now += 60_000
  const notes = [session, gone].map(({ tag, handle }) => ({
    tag,
    handle,
    ip: '2001:db8::7',
    userAgent: '',
  }))
  t.strictSame(await store.touch(notes), [session.handle])
  t.equal(await redis.exists(gone.key), 0)
  const late = { tag: session.tag, handle: session.handle, ...use, atMs: Date.now() - 30_000 }
  await store.touch([late])
  const lastUse = { seenAt: clock.now, ip: '2001:db8::7', userAgentHash: undefined }
  t.match(await store.list(owner), [{ session: { handle: session.handle }, lastSeenAt: clock.now, lastUse }])
})

t.test('a record is small enough to be packed by Redis', async (t) => {
  const owner = await addAccount()
  const session = await open(owner, { scopes: ['read', 'write'], description: 'x'.repeat(40) })
  t.equal(await redis.object('ENCODING', session.key), 'listpack')
  t.equal(await redis.strlen(session.tombstone), 0)
})
