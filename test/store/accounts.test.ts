import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type Account, loginNames } from '../../src/account.js'
import { Overloaded } from '../../src/errors.js'
import { type AccountDraft, createAccountStore } from '../../src/store/accounts.js'
import { openInvalidations } from '../../src/store/invalidations.js'
import { accountIntentKey, accountKey, loginKey, placeOf } from '../../src/store/keys.js'
import { createLoginNames } from '../../src/store/login-names.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/redis-groups.js'
import { commandsDuring } from '../support/redis-state.js'

function draft(uid: string, fields: Partial<AccountDraft> = {}): AccountDraft {
  return { uid, provider: 'email', email: undefined, attributes: {}, roles: [], ...fields }
}

const changing = (fields: Partial<Account>) => (account: Account) => ({
  ok: true as const,
  account: { ...account, ...fields },
})

async function start(t: Test) {
  const { client } = await startRedis(t)
  /** A second instance of the service, on a connection of its own. */
  const another = () => {
    const redis = client.duplicate()
    redis.on('error', () => {}) // its end is the server's
    t.teardown(() => redis.disconnect())
    return createAccountStore({ redis })
  }
  return { client, store: createAccountStore({ redis: client }), another }
}

const claimKey = (name: string) => loginKey(placeOf(name))

t.test('an account is found by its uid and its login names, however they are spelled', async (t) => {
  const { store } = await start(t)
  const made = await store.create(draft('u1', { email: 'jo@x.org', attributes: { username: 'Jo' } }), 'hash')
  t.match(made, { ok: true, account: { id: 1, uid: 'u1', email: 'jo@x.org' } })
  for (const name of ['u1', ' U1', 'JO@x.org', 'jo'])
    t.match(await store.findByLogin(name), { account: { id: 1 }, passwordHash: 'hash' }, name)
  t.match(await store.find('U1'), { account: { id: 1 }, suspendedAt: undefined, notBefore: Number })
  for (const name of ['u2', 'jo@x', '', 'x'.repeat(10_000)]) {
    t.equal(await store.findByLogin(name), undefined)
    t.equal(await store.find(name), undefined)
  }
  t.equal(await store.find('jo'), undefined, 'a login name is no uid')
})

t.test('a look-up costs the same two round trips whether there is such an account or not', async (t) => {
  const { client, store } = await start(t)
  await store.create(draft('u1', { email: 'jo@x.org' }), undefined)
  for (const name of ['u1', 'jo@x.org', 'nobody', 'no@body.org']) {
    await store.findByLogin(name)
    const commands = await commandsDuring(client, () => store.findByLogin(name))
    t.strictSame(commands, { get: 1, hmget: 1 }, name)
  }
})

t.test('of parallel creations with one name exactly one succeeds', async (t) => {
  const { client, store, another } = await start(t)
  const stores = [store, another()]
  const cases: [what: string, make: (i: number) => AccountDraft, field: string][] = [
    ['one e-mail', (i) => draft(`a${i}`, { email: 'one@x.org' }), 'email'],
    ['one uid', () => draft('b'), 'uid'],
    ['one uid that is the e-mail', () => draft('c@x.org', { email: 'c@x.org' }), 'email'],
    ['one user name', (i) => draft(`d${i}`, { attributes: { username: 'd' } }), 'username'],
    [
      "one's uid is the other's user name",
      (i) => (i % 2 ? draft('e') : draft(`e${i}`, { attributes: { username: 'e' } })),
      '',
    ],
  ]
  for (const [what, make, field] of cases) {
    const made = await Promise.all(
      Array.from({ length: 50 }, (_, i) => (stores[i % 2] ?? store).create(make(i), undefined)),
    )
    t.equal(made.filter(({ ok }) => ok).length, 1, what)
    if (field !== '')
      t.ok(
        made.every((one) => one.ok || one.field === field),
        `${what}: ${field}`,
      )
  }
  const { accounts } = await store.list(0, 100)
  t.equal(accounts.length, cases.length)
  t.equal(
    (await client.keys('cs:login:*')).length,
    accounts.flatMap(({ account }) => [...loginNames(account)]).length,
  )
  t.strictSame(await client.keys('cs:ai:*'), [], 'no intent is left')
})

t.test('two who want the same two names do not keep each other from them', async (t) => {
  const { store, another } = await start(t)
  const other = another()
  for (let i = 0; i < 30; i++) {
    const [one, two] = [`one${i}`, `two${i}`]
    const made = await Promise.all([
      store.create(draft(one, { attributes: { username: two } }), undefined),
      other.create(draft(two, { attributes: { username: one } }), undefined),
    ])
    t.equal(made.filter(({ ok }) => ok).length, 1)
  }
})

t.test('a stale claim is taken over, a good or a fresh one is not', async (t) => {
  const { client, store } = await start(t)
  const want = async (uid: string) => (await store.create(draft(uid, { email: 'jo@x.org' }), undefined)).ok

  await client.set(claimKey('jo@x.org'), 'nonce:ghost')
  t.ok(await want('u1'), 'its account does not exist')
  t.notOk(await want('u2'), 'its account has it')

  await client.set(claimKey('al@x.org'), 'nonce:u1')
  t.equal(await store.findByLogin('al@x.org'), undefined, 'nor does it sign anybody in')
  t.ok((await store.create(draft('u3', { email: 'al@x.org' }), undefined)).ok, 'its account has another')

  await client.set(accountIntentKey(placeOf('u4')), 'nonce', 'PX', 60_000)
  await client.set(claimKey('bo@x.org'), 'nonce:u4')
  const late = () => store.create(draft('u5', { email: 'bo@x.org' }), undefined)
  t.strictSame(await late(), { ok: false, code: 'taken', field: 'email' }, 'somebody is about to')
  await client.set(accountIntentKey(placeOf('u4')), 'another', 'PX', 60_000)
  t.ok((await late()).ok, 'somebody was about to')
  t.equal(await client.get(accountIntentKey(placeOf('u5'))), null)
})

t.test('a claim that a failover lost may go to another, and stays there', async (t) => {
  const { client, store } = await start(t)
  await store.create(draft('u1', { email: 'jo@x.org' }), undefined)
  await client.del(claimKey('jo@x.org'), claimKey('u1'))
  t.match(await store.findByLogin('u1'), { account: { uid: 'u1' } }, 'an account keeps its uid')
  t.equal(await store.findByLogin('jo@x.org'), undefined)
  t.ok((await store.create(draft('u2', { email: 'jo@x.org' }), undefined)).ok)
  t.match(await store.create(draft('u1'), undefined), { ok: false, field: 'uid' })
  t.ok(await store.remove('u1'))
  t.match(await store.findByLogin('jo@x.org'), { account: { uid: 'u2' } })
})

t.test('whoever is too late after claiming a name does not get it', async (t) => {
  const { client, store } = await start(t)
  const names = createLoginNames(client, async (uid, name) => {
    const found = await store.find(uid)
    return found !== undefined && loginNames(found.account).has(name)
  })
  const outcome = await names.adding('slow', ['jo@x.org', 'slow'], async (intent) => {
    t.ok((await client.pttl(accountIntentKey(placeOf('slow')))) > 1000)
    await client.pexpire(accountIntentKey(placeOf('slow')), 1) // as if two seconds had passed
    while (await client.exists(accountIntentKey(placeOf('slow')))) await sleep(1)
    t.ok((await store.create(draft('quick', { email: 'jo@x.org' }), undefined)).ok)
    const keys = [accountKey(placeOf('slow')), accountIntentKey(placeOf('slow'))] as const
    return client.accountWrite(...keys, '', JSON.stringify(draft('slow', { email: 'jo@x.org' })), intent, '')
  })
  t.equal(outcome, 'changed')
  t.equal(await store.find('slow'), undefined)
  t.match(await store.findByLogin('jo@x.org'), { account: { uid: 'quick' } })
  t.equal(await client.get(claimKey('slow')), null, 'what it had claimed is free again')
})

t.test('a crash while names are being added blocks them for two seconds at most', async (t) => {
  const { client, store } = await start(t)
  const names = createLoginNames(client, async () => false)
  await t.rejects(
    names.adding('u1', ['jo@x.org', 'u1'], async () => {
      throw new Error('crash')
    }),
    { message: 'crash' },
  )
  t.strictSame(await store.create(draft('u2', { email: 'jo@x.org' }), undefined), {
    ok: false,
    code: 'taken',
    field: 'email',
  })
  await t.rejects(
    store.create(draft('u1'), undefined),
    new Overloaded('writing to one account'),
    'the account itself',
  )
  const left = await client.pttl(accountIntentKey(placeOf('u1')))
  t.ok(left > 0 && left <= 2000)
  await sleep(left + 1)
  t.ok((await store.create(draft('u2', { email: 'jo@x.org' }), undefined)).ok)
  t.ok((await store.create(draft('u1'), undefined)).ok)
})

t.test('an update moves the login names with it', async (t) => {
  const { client, store } = await start(t)
  await store.create(draft('u1', { email: 'old@x.org', attributes: { username: 'jo' } }), undefined)
  await store.create(draft('u2', { email: 'al@x.org' }), undefined)

  t.match(await store.update('u1', changing({ email: 'new@x.org' })), {
    ok: true,
    account: { email: 'new@x.org' },
  })
  t.equal(await store.findByLogin('old@x.org'), undefined)
  t.equal(await client.exists(claimKey('old@x.org')), 0)
  t.match(await store.findByLogin('new@x.org'), { account: { uid: 'u1' } })

  const before = await client.get(claimKey('new@x.org'))
  t.strictSame(await store.update('u1', changing({ email: 'al@x.org', attributes: {} })), {
    ok: false,
    code: 'taken',
    field: 'email',
  })
  t.match(
    await store.findByLogin('jo'),
    { account: { uid: 'u1', email: 'new@x.org' } },
    'nothing is half done',
  )
  t.equal(await client.get(claimKey('new@x.org')), before)

  t.match(await store.update('u1', changing({ email: undefined, attributes: {} })), { ok: true })
  t.strictSame((await client.keys('cs:login:*')).length, 3, "u1, u2 and u2's e-mail")
  t.match(await store.update('u1', changing({ email: 'new@x.org' })), { ok: true }, 'and back again')
  t.match(await store.findByLogin('new@x.org'), { account: { uid: 'u1' } })
  t.strictSame(await store.update('nobody', changing({})), { ok: false, code: 'unknown' })
  const refusal = { ok: false, why: 'because' } as const
  t.strictSame(await store.update('u1', () => refusal), refusal)
})

t.test('parallel updates lose nothing', async (t) => {
  const { client, store, another } = await start(t)
  const stores = [store, another()]
  await store.create(draft('u1'), 'hash')
  const results = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      (stores[i % 2] ?? store).update('u1', (account) => ({
        ok: true,
        account: {
          ...account,
          attributes: { ...account.attributes, [`k${i}`]: i },
          ...(i % 6 === 0 && { email: `jo${i}@x.org` }),
        },
      })),
    ),
  )
  t.ok(results.every(({ ok }) => ok))
  const found = await store.find('u1')
  t.equal(Object.keys(found?.account.attributes ?? {}).length, 60)
  t.equal(found?.passwordHash, 'hash')
  t.strictSame(
    await client.keys('cs:login:*').then((keys) => keys.sort()),
    [claimKey('u1'), claimKey(found?.account.email ?? '')].sort(),
    'one e-mail in the end, and one claim for it',
  )
})

t.test('an account that is given one e-mail twice at once does not stand in its own way', async (t) => {
  const { store, another } = await start(t)
  const stores = [store, another()]
  await store.create(draft('u1'), undefined)
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      (stores[i % 2] ?? store).update('u1', changing({ email: 'jo@x.org' })),
    ),
  )
  t.ok(results.every(({ ok }) => ok))
})

t.test('marks', async (t) => {
  const { client, store } = await start(t)
  await store.create(draft('u1'), undefined)
  const now = async () =>
    Number((await client.time())[0]) * 1000 + Math.floor(Number((await client.time())[1]) / 1000)
  const state = async () => {
    const { suspendedAt, notBefore, passwordHash } = (await store.find('u1')) ?? {}
    return { suspendedAt, notBefore: notBefore ?? 0, passwordHash }
  }
  const made = await state()
  t.ok(made.notBefore <= (await now()) + 1, 'sessions from before the account are not its own')

  t.ok(await store.setPassword('u1', 'hash'))
  t.ok(await store.mark('u1', 'suspend'))
  const suspended = await state()
  t.match(suspended, { suspendedAt: Number, passwordHash: 'hash', notBefore: made.notBefore })
  await sleep(2)
  t.ok(await store.mark('u1', 'suspend'))
  t.strictSame(await state(), suspended, 'suspended since the first time')

  t.ok(await store.mark('u1', 'restore'))
  const restored = await state()
  t.equal(restored.suspendedAt, undefined)
  t.ok(restored.notBefore > (suspended.suspendedAt ?? 0), 'no session from before comes back')
  t.ok(await store.mark('u1', 'restore'))
  t.strictSame(await state(), restored, 'restoring what is not suspended does nothing')

  const before = await now()
  t.ok(await store.mark('u1', 'cut-off'))
  t.ok((await state()).notBefore > before, 'past the millisecond in which it was asked for')
  await client.hset(accountKey(placeOf('u1')), 'nb', before + 3_600_000)
  t.ok(await store.mark('u1', 'cut-off'))
  t.equal((await state()).notBefore, before + 3_600_001, 'never back, though the clock went back')

  for (const what of ['suspend', 'restore', 'cut-off'] as const) t.notOk(await store.mark('nobody', what))
  t.notOk(await store.setPassword('nobody', 'hash'))
  t.equal(await client.exists(accountKey(placeOf('nobody'))), 0)
})

t.test('removal leaves nothing, and nothing of the old in the new', async (t) => {
  const { client, store } = await start(t)
  await store.create(draft('u1', { email: 'jo@x.org', attributes: { username: 'jo' } }), 'hash')
  await store.mark('u1', 'suspend')
  const { notBefore = 0 } = (await store.find('u1')) ?? {}
  t.ok(await store.remove('U1'))
  t.strictSame(await client.keys('*'), ['cs:account-id'])
  t.notOk(await store.remove('u1'))
  await sleep(2)
  t.ok((await store.create(draft('u1', { email: 'jo@x.org' }), undefined)).ok)
  const again = await store.find('u1')
  t.match(again, { account: { id: 2 }, passwordHash: undefined, suspendedAt: undefined })
  t.ok((again?.notBefore ?? 0) > notBefore)
})

t.test('an update and a removal at once: gone is gone', async (t) => {
  const { client, store } = await start(t)
  for (let i = 0; i < 30; i++) {
    await store.create(draft('u1', { email: 'jo@x.org' }), undefined)
    await Promise.all([
      store.update('u1', changing({ email: 'new@x.org' })),
      store.remove('u1'),
      store.update('u1', changing({ roles: ['admin'] })),
    ])
    t.strictSame(
      (await client.keys('cs:[^a]*')).filter((key) => key !== 'cs:account-id'),
      [],
    )
    t.equal(await store.find('u1'), undefined)
  }
})

t.test('each change is told once, and leaves no key whose end would be told again', async (t) => {
  const { client, store } = await start(t)
  const told: (string | undefined)[] = []
  const invalidations = openInvalidations({ redis: client, onInvalidated: (suffix) => told.push(suffix) })
  t.teardown(() => invalidations.close())
  await until('a lease', async () => invalidations.hasLease(performance.now()))

  const changes = [
    () => store.create(draft('u1'), undefined),
    () => store.update('u1', changing({ roles: ['admin'] })),
    () => store.setPassword('u1', 'hash'),
    () => store.mark('u1', 'suspend'),
    () => store.remove('u1'),
  ]
  const { tag, uidHash } = placeOf('u1')
  for (const [i, change] of changes.entries()) {
    await change()
    await until('it is told', async () => told.length > i)
    t.strictSame(told, new Array(i + 1).fill(`{${tag}}:@${uidHash}`))
    t.strictSame(await client.keys('cs:rv:*'), [])
  }
})

t.test('1,000 accounts by cursor, each once, in the order of their ids', async (t) => {
  const { client, store } = await start(t)
  for (let i = 0; i < 20; i++)
    await Promise.all(Array.from({ length: 50 }, (_, j) => store.create(draft(`u${50 * i + j}`), undefined)))
  await store.remove('u7')
  await client.del(accountKey(placeOf('u8'))) // as if its creation had been cut short
  const seen: number[] = []
  let after: number | undefined = 0
  let pages = 0
  while (after !== undefined) {
    const page = await store.list(after, 33)
    seen.push(...page.accounts.map(({ account }) => account.id))
    if (pages++ === 3) await store.create(draft('late'), undefined)
    after = page.next
  }
  t.equal(pages, 31)
  t.equal(seen.length, 999)
  t.strictSame(
    seen,
    [...new Set(seen)].sort((a, b) => a - b),
  )
  t.strictSame(await store.list(2000, 10), { accounts: [], next: undefined })
})
