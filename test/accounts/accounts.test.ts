import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Attributes } from '../../src/account.js'
import { createAccounts } from '../../src/accounts/accounts.js'
import { createPasswords } from '../../src/accounts/password.js'
import { createAccountStore } from '../../src/store/accounts.js'
import { connectRedis, type RedisClient } from '../../src/store/connect.js'
import { startRedis } from '../support/redis.js'

const right = 'correct horse battery'
const wrong = { ok: false, code: 'wrong-password' }
const invalid = (...problems: [field: string, message: string][]) => ({
  ok: false,
  code: 'invalid',
  problems: problems.map(([field, message]) => ({ field, message })),
})

/** One instance of the service. */
function createInstance(redis: RedisClient) {
  const ended: unknown[][] = []
  const passwords = createPasswords()
  const accounts = createAccounts({
    store: createAccountStore({ redis }),
    passwords,
    endSessions: async (...what) => void ended.push(what),
  })
  return { accounts, passwords, ended }
}

async function start(t: Test) {
  const { client } = await startRedis(t)
  return { client, instance: () => createInstance(client), ...createInstance(client) }
}

t.test('signs in by any login name, with the password only', async (t) => {
  const { accounts } = await start(t)
  const made = await accounts.create({
    uid: ' Jo@X.org',
    provider: 'email',
    email: 'jo@x.ORG ',
    password: right,
    attributes: { username: 'Jo', nickname: null },
  })
  t.match(made, { ok: true, account: { uid: 'jo@x.org', email: 'jo@x.org', attributes: { username: 'Jo' } } })
  for (const login of ['jo@x.org', 'JO@X.ORG', ' jo'])
    t.match(await accounts.authenticate(login, right), { ok: true, account: { uid: 'jo@x.org' } })
  for (const [login, password] of [
    ['jo', `${right}!`],
    ['jo', ''],
    ['jo', 'x'.repeat(1e6)],
    ['al', right],
    ['', right],
    ['a\0b', right],
    ['x'.repeat(1e5), right],
  ] as const)
    t.strictSame(await accounts.authenticate(login, password), wrong)
  t.match(await accounts.find('jo@x.org'), { hasPassword: true, account: { roles: [] } })
  t.match(await accounts.findByLogin('jo'), { account: { uid: 'jo@x.org' } })
})

t.test('an unknown account, one without a password and a wrong password cost one hash each', async (t) => {
  const { accounts, passwords } = await start(t)
  await accounts.create({ uid: 'jo', provider: 'email', password: right })
  await accounts.create({ uid: 'gh', provider: 'github' })
  t.match(await accounts.find('gh'), { hasPassword: false })
  for (const login of ['jo', 'gh', 'nobody']) {
    const before = passwords.counts().hashes
    t.strictSame(await accounts.authenticate(login, 'wrong horse battery'), wrong)
    t.equal(passwords.counts().hashes - before, 1, login)
  }
})

t.test('right once, remembered; changed, forgotten everywhere', async (t) => {
  const { accounts, passwords, instance } = await start(t)
  const other = instance()
  await accounts.create({ uid: 'jo', provider: 'email', password: right })
  const both = [accounts, other.accounts]
  for (const each of both) t.match(await each.authenticate('jo', right), { ok: true })
  const before = [passwords.counts().hashes, other.passwords.counts().hashes]
  for (let i = 0; i < 10; i++)
    for (const each of both) t.match(await each.authenticate('jo', right), { ok: true })
  t.strictSame([passwords.counts().hashes, other.passwords.counts().hashes], before, 'no hash')

  t.strictSame(await accounts.setPassword('jo', 'another horse battery'), { ok: true })
  t.strictSame(await accounts.authenticate('jo', right), wrong)
  t.strictSame(
    await other.accounts.authenticate('jo', right),
    wrong,
    'by the instance that was not told, too',
  )
  t.match(await other.accounts.authenticate('jo', 'another horse battery'), { ok: true })
  t.ok(await accounts.checkPassword('jo', 'another horse battery'))
  t.notOk(await accounts.checkPassword('jo', right))
  t.notOk(await accounts.checkPassword('nobody', right))
  t.strictSame(await accounts.setPassword('jo', right), { ok: true })
  t.match(await accounts.authenticate('jo', right), { ok: true }, 'the old one again is a new hash')
})

t.test('a password change ends the other sessions, and only when it happened', async (t) => {
  const { accounts, ended } = await start(t)
  await accounts.create({ uid: 'jo', provider: 'email', password: right })
  t.strictSame(
    await accounts.setPassword('jo', 'short'),
    invalid(['password', 'is too short (minimum is 8 characters)']),
  )
  t.strictSame(await accounts.setPassword('nobody', right), { ok: false, code: 'unknown' })
  t.strictSame(ended, [])
  await accounts.setPassword('jo', right, { keepHandle: 'mine' })
  await accounts.setPassword('jo', right)
  t.strictSame(ended, [
    ['jo', 'password-changed', 'mine'],
    ['jo', 'password-changed', undefined],
  ])
})

t.test('a suspended account', async (t) => {
  const { accounts, ended } = await start(t)
  await accounts.create({ uid: 'jo', provider: 'email', password: right })
  await accounts.authenticate('jo', right)
  t.ok(await accounts.suspend('JO'))
  t.strictSame(ended, [['JO', 'suspended']])
  t.strictSame(
    await accounts.authenticate('jo', right),
    { ok: false, code: 'suspended' },
    'remembered or not',
  )
  t.strictSame(await accounts.authenticate('jo', 'wrong horse battery'), wrong, 'told to nobody else')
  t.match(await accounts.find('jo'), { suspendedAt: Number })
  t.ok(await accounts.restore('jo'))
  t.match(await accounts.authenticate('jo', right), { ok: true })
  t.match(await accounts.find('jo'), { suspendedAt: undefined })
  for (const does of [accounts.suspend, accounts.restore, accounts.signOutEverywhere])
    t.notOk(await does('nobody'))
  t.equal(ended.length, 1)
  t.ok(await accounts.signOutEverywhere('jo'))
  t.equal(ended.length, 1, 'in one step, whatever their number')
})

t.test('a removed account', async (t) => {
  const { accounts, ended, client } = await start(t)
  await accounts.create({ uid: 'jo', provider: 'email', email: 'jo@x.org', password: right })
  await accounts.authenticate('jo', right)
  t.ok(await accounts.remove('jo'))
  t.strictSame(ended, [['jo', 'account-removed']])
  t.strictSame(await client.keys('*'), ['cs:account-id'])
  t.strictSame(await accounts.authenticate('jo', right), wrong)
  t.notOk(await accounts.remove('jo'))
  t.match(await accounts.create({ uid: 'al', provider: 'email', email: 'jo@x.org' }), { ok: true })
})

t.test('updates', async (t) => {
  const { accounts } = await start(t)
  await accounts.create({
    uid: 'jo',
    provider: 'email',
    email: 'jo@x.org',
    attributes: { a: 1, b: { c: 2, d: 3 } },
  })
  await accounts.create({ uid: 'al', provider: 'email', email: 'al@x.org' })
  const update = async (change: Parameters<typeof accounts.update>[1]) => accounts.update('jo', change)
  t.match(await update({ attributes: { a: null, b: { c: null }, e: [null] } }), {
    ok: true,
    account: { email: 'jo@x.org', roles: [] },
  })
  t.strictSame((await accounts.find('jo'))?.account.attributes, { b: { d: 3 }, e: [null] })
  t.match(await update({ email: 'New@X.org', roles: ['service'] }), {
    ok: true,
    account: { uid: 'jo', email: 'new@x.org', roles: ['service'], attributes: { e: [null] } },
  })
  t.strictSame(await update({ email: 'AL@x.org' }), { ok: false, code: 'taken', field: 'email' })
  t.strictSame(await update({ attributes: { username: 'al' } }), {
    ok: false,
    code: 'taken',
    field: 'username',
  })
  t.match(await update({ email: null }), { ok: true, account: { email: undefined, roles: ['service'] } })
  t.strictSame(await accounts.update('nobody', {}), { ok: false, code: 'unknown' })

  const full: Attributes = Object.fromEntries(Array.from({ length: 62 }, (_, i) => [`k${i}`, i]))
  t.match(await update({ attributes: full }), { ok: true })
  t.strictSame(
    await update({ attributes: { one: 1 } }),
    invalid(['attributes', 'are too many (maximum is 64)']),
    'bounds hold for the whole',
  )
  t.equal(Object.keys((await accounts.find('jo'))?.account.attributes ?? {}).length, 64)
})

t.test('bad input is told all at once and changes nothing', async (t) => {
  const { accounts, client } = await start(t)
  const refused = await accounts.create({
    uid: 'a\0b',
    provider: '',
    email: 'a b@c',
    password: 'short',
    attributes: { roles: ['admin'] },
  })
  t.strictSame(
    refused,
    invalid(
      ['uid', 'is invalid'],
      ['provider', 'is invalid'],
      ['email', 'is not an email'],
      ['attributes', 'may not contain "roles"'],
      ['password', 'is too short (minimum is 8 characters)'],
    ),
  )
  for (const email of [
    '',
    'jo',
    '@x.org',
    'jo@',
    'a@b@c',
    'jo @x.org',
    'jo@x.org\0',
    `${'x'.repeat(249)}@x.org`,
  ])
    t.strictSame(
      await accounts.create({ uid: 'jo', provider: 'email', email }),
      invalid(['email', 'is not an email']),
      email,
    )
  t.strictSame(await client.keys('*'), [])
  t.match(await accounts.create({ uid: 'jo', provider: 'email', email: `${'x'.repeat(248)}@x.org` }), {
    ok: true,
  })
})

t.test('pages', async (t) => {
  const { accounts } = await start(t)
  for (const uid of ['a', 'b', 'c']) await accounts.create({ uid, provider: 'email', password: right })
  const first = await accounts.list({ limit: 2 })
  t.match(first, {
    accounts: [{ account: { uid: 'a' }, hasPassword: true }, { account: { uid: 'b' } }],
    next: 2,
  })
  t.notMatch(JSON.stringify(first), 'argon2', 'no hash leaves')
  t.match(await accounts.list({ after: 2, limit: 2 }), {
    accounts: [{ account: { uid: 'c' } }],
    next: undefined,
  })
})

t.test('the first start creates admin once, however many start', async (t) => {
  const { accounts, instance } = await start(t)
  const starts = await Promise.all(
    [accounts, instance().accounts, instance().accounts].map((a) => a.ensureAdmin()),
  )
  const [created, ...others] = starts.sort((a, b) => Number(b.created) - Number(a.created))
  t.strictSame(others, Array(2).fill({ created: false, password: undefined }))
  t.match(created, { created: true, password: /^[0-9a-z]{26}$/ })
  t.match(await accounts.authenticate('admin', created?.password ?? ''), {
    ok: true,
    account: { uid: 'admin', roles: ['admin'] },
  })
  t.strictSame(
    await accounts.ensureAdmin(),
    { created: false, password: undefined },
    'not at the second start',
  )
  t.strictSame(await accounts.ensureAdmin(right), { created: false, password: undefined })
  t.strictSame(await accounts.authenticate('admin', right), wrong, 'nor is its password changed')
})

t.test('the password of admin may be given', async (t) => {
  const { accounts } = await start(t)
  await t.rejects(accounts.ensureAdmin('short'), {
    message: 'the password of admin is too short (minimum is 8 characters)',
  })
  t.strictSame(await accounts.ensureAdmin(right), { created: true, password: undefined })
  t.match(await accounts.authenticate('admin', right), { ok: true })
})

t.test('without Redis everything says so within 500 ms, and goes on when it is back', async (t) => {
  const redis = await startRedis(t)
  const connection = await connectRedis(redis.url, { log: { info: () => {}, warn: () => {} } })
  t.teardown(() => connection.close())
  const { accounts } = createInstance(connection.client)
  await accounts.create({ uid: 'jo', provider: 'email' })
  const everything: Record<string, () => Promise<unknown>> = {
    create: () => accounts.create({ uid: 'al', provider: 'email' }),
    find: () => accounts.find('jo'),
    findByLogin: () => accounts.findByLogin('jo'),
    authenticate: () => accounts.authenticate('jo', right),
    update: () => accounts.update('jo', { attributes: { a: 1 } }),
    setPassword: () => accounts.setPassword('jo', right),
    checkPassword: () => accounts.checkPassword('jo', right),
    suspend: () => accounts.suspend('jo'),
    remove: () => accounts.remove('jo'),
    list: () => accounts.list({ limit: 10 }),
    ensureAdmin: () => accounts.ensureAdmin(),
  }
  const allFail = async (why: string) => {
    for (const [name, does] of Object.entries(everything)) {
      const tookMs: number[] = []
      // The machine may be busy with other tests: the best of three is ours.
      while (tookMs.length < 3 && !tookMs.some((ms) => ms < 500)) {
        const start = performance.now()
        await t.rejects(does(), { code: 'STORE_UNAVAILABLE', statusCode: 503 }, `${name}: ${why}`)
        tookMs.push(performance.now() - start)
      }
      t.ok(Math.min(...tookMs) < 500, `${name}: ${why} (${tookMs} ms)`)
    }
  }
  redis.freeze()
  await allFail('frozen')
  redis.thaw()
  await redis.kill()
  await allFail('killed')
  await redis.restart()
  const giveUpAt = performance.now() + 10_000
  let back: unknown
  while (back === undefined && performance.now() < giveUpAt) {
    back = await accounts.find('jo').catch(() => undefined)
    await sleep(20)
  }
  t.match(back, { account: { uid: 'jo' } })
})
