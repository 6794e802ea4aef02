/** `countersign/client` against a running service. */
import t from 'tap'
import { type Client, CountersignError, createClient } from '../src/client.js'
import { type Answered, startServer } from './support/faulty-network.js'
import { openSession, startOAuth, worker } from './support/oauth.js'
import { until } from './support/redis-groups.js'
import { ada } from './support/service.js'

const service = await startOAuth(t)
const { uid: login, password } = worker
const client = createClient({ url: `${service.url}/`, credentials: { login, password } })

/** What `call` throws, which must be one of ours. */
async function failure(call: Promise<unknown>): Promise<CountersignError> {
  const error: unknown = await call.then(
    () => new Error('it did not fail'),
    (error) => error,
  )
  if (error instanceof CountersignError) return error
  throw error
}

t.test('opens, lists and ends sessions', async (t) => {
  const { sessions } = client
  const phone = await sessions.open(ada.uid, { kind: 'fixed', scopes: ['read'], description: 'phone' })
  const laptop = await sessions.open(ada.uid)
  t.match(phone, { kind: 'fixed', scopes: ['read'], description: 'phone', token: /^cst_/ })
  t.match(await client.verify(laptop.token), {
    active: true,
    sub: ada.uid,
    session: laptop.id,
    kind: 'rotating',
  })
  const ids = async () => (await sessions.list(ada.uid)).map(({ id }) => id).sort()
  t.strictSame(await ids(), [phone.id, laptop.id].sort())
  t.equal(await sessions.revoke(ada.uid, phone.id), true)
  t.equal(await sessions.revoke(ada.uid, phone.id), false, 'once')
  t.strictSame(await client.verify(phone.token), { active: false, code: 'revoked' })
  const third = await sessions.open(ada.uid)
  await sessions.revokeAll(ada.uid, { except: third.id })
  t.strictSame(await ids(), [third.id])
  await sessions.revokeAll(ada.uid)
  t.strictSame(await ids(), [])
  const strange = 'https://login.example/u/7?a=b#ü'
  await sessions.open(strange, { create: { provider: 'oidc' } })
  t.equal((await sessions.list(strange)).length, 1, 'any uid')
})

t.test('verifies many at once, in their order, however many', async (t) => {
  const good = await client.sessions.open(ada.uid, { kind: 'fixed' })
  const tokens = Array.from({ length: 600 }, (_, i) => (i % 7 === 0 ? good.token : `cst_${i}`))
  const verdicts = await client.verifyAll(tokens)
  t.strictSame(
    verdicts.map((verdict) => (verdict.active ? verdict.session : verdict.code)),
    tokens.map((token) => (token === good.token ? good.id : 'malformed')),
  )
  t.strictSame(await client.verifyAll([]), [])
})

t.test('introspects and revokes', async (t) => {
  const opened = await openSession(service, { kind: 'jwt', scopes: ['read'], life: '1 hour' })
  const introspected = await client.introspect(opened.token)
  t.match(introspected, { active: true, sub: ada.uid, sid: opened.id, scope: 'read', kind: 'jwt' })
  if (introspected.active) t.ok(introspected.exp - introspected.iat <= 3600)
  await client.revoke(opened.token)
  t.strictSame(await client.introspect(opened.token), { active: false })
  await client.revoke('cst_none')
})

t.test('with the token of a session, and with a name and a password of any characters', async (t) => {
  const opened = await client.sessions.open(login, { kind: 'fixed' })
  const odd = { uid: 'wörker: +2', provider: 'local', password: 'p+s %41&=:ß', roles: ['service'] } as const
  await service.addAccount(odd)
  const others: Client[] = [
    createClient({ url: service.url, credentials: { token: opened.token } }),
    createClient({ url: service.url, credentials: { login: 'two@example.com', password: odd.password } }),
  ]
  await service.addAccount({ ...odd, uid: 'two@example.com' })
  for (const other of others) {
    t.match(await other.verify(opened.token), { active: true })
    t.match(await other.introspect(opened.token), { active: true })
  }
})

t.test('errors have a code', async (t) => {
  const as = (credentials: { login: string; password: string } | { token: string }, url = service.url) =>
    createClient({ url, credentials })
  const table: [what: string, call: () => Promise<unknown>, error: object][] = [
    [
      'a wrong password',
      () => as({ login, password: 'wrong' }).verify('a'),
      { code: 'refused', status: 401 },
    ],
    ['a wrong token', () => as({ token: 'cst_none' }).introspect('a'), { code: 'refused', status: 401 }],
    [
      'no role',
      () => as({ login: ada.uid, password: ada.password }).verify('a'),
      { code: 'refused', status: 403, message: /role service or admin/ },
    ],
    [
      'no such account',
      () => client.sessions.list('nobody'),
      { code: 'invalid', status: 404, message: 'There is no such account.' },
    ],
    ['a wrong life', () => client.sessions.open(ada.uid, { life: 'long' }), { code: 'invalid', status: 400 }],
    [
      'nobody there',
      () => as({ login, password }, 'http://127.0.0.1:2').verify('a'),
      { code: 'unreachable' },
    ],
    [
      'another path',
      () => as({ login, password }, `${service.url}/nothing`).sessions.revoke(ada.uid, 'A'.repeat(22)),
      { code: 'invalid', status: 404 },
    ],
    ['an empty token', () => client.introspect(''), { code: 'invalid', message: /token must be given/ }],
  ]
  for (const [what, call, expected] of table) t.match(await failure(call()), expected, what)
})

t.test('a service that does not answer, or something else does', async (t) => {
  const page = Buffer.from('<html>')
  const table: [what: string, answered: Promise<Answered>, error: object][] = [
    ['silence', new Promise(() => undefined), { code: 'timeout', status: undefined }],
    [
      'a page',
      Promise.resolve({ status: 200, headers: {}, body: page }),
      { code: 'unexpected', status: 200 },
    ],
    [
      'other JSON',
      Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{"verdicts":[]}') }),
      { code: 'unexpected', message: /verdict/ },
    ],
    [
      'a gateway',
      Promise.resolve({ status: 502, headers: {}, body: page }),
      { code: 'unexpected', status: 502 },
    ],
    [
      'a detour',
      Promise.resolve({ status: 307, headers: { location: service.url }, body: page }),
      { code: 'unreachable' },
    ],
    [
      'too many requests',
      Promise.resolve({ status: 429, headers: { 'retry-after': '7' }, body: page }),
      { code: 'unavailable', status: 429, retryAfterMs: 7000 },
    ],
  ]
  for (const [what, answered, error] of table) {
    const url = await startServer(t, () => answered)
    const other = createClient({ url, credentials: { login, password }, timeoutMs: 200 })
    t.match(await failure(other.verify('cst_none')), error, what)
  }
})

t.test('without Redis it says when to try again', async (t) => {
  const service = await startOAuth(t)
  const other = createClient({ url: service.url, credentials: { login, password } })
  t.match(await other.verify('cst_none'), { active: false })
  await service.redis.kill()
  await until('an outage', async () => (await failure(other.verify('a'))).code === 'unavailable')
  t.match(await failure(other.verify('a')), { status: 503, retryAfterMs: 1000 })
})
