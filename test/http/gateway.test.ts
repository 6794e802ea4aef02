/** What gateways rely on, whichever they are. How each of them asks is in `test/wire/gateway-*.http`. */
import { METHODS } from 'node:http'
import t, { type Test } from 'tap'
import { identityHeaders } from '../../src/http/gateway/identity.js'
import { type Answer, headerOf, readAnswer, sendRaw } from '../support/exchange.js'
import { ada, startService, type TestService } from '../support/service.js'

/** Where each family asks about a request that has no requirements, and with them. */
const families = {
  nginx: (requires: string) => `/gateway/nginx/${requires}`,
  'forward-auth': (requires: string) => `/gateway/forward-auth/${requires}`,
  haproxy: (requires: string) => `/gateway/haproxy/${requires}`,
  envoy: (requires: string) => `/gateway/envoy-requires/${requires}/the/client's/path`,
}

async function open(t: Test, env = {}) {
  const service = await startService(t, { env })
  await service.addAccount()
  return service
}

/** Sends a request head, written out. */
async function ask({ port }: TestService, start: string, ...headers: string[]): Promise<Answer> {
  const version = /HTTP\/1\.\d$/.test(start) ? '' : ' HTTP/1.1'
  const head = [`${start}${version}`, 'Host: gateway.test', 'Connection: close', ...headers, '', '']
  return readAnswer(await sendRaw(port, head.join('\r\n')))
}

t.test('every answer forbids to keep it, and says on what it depends', async (t) => {
  const service = await open(t)
  const { token } = await service.signIn()
  const good = `Authorization: Bearer ${token}`
  for (const [family, path] of Object.entries(families))
    for (const [status, answer] of [
      [200, await ask(service, `GET ${path('-')}`, good)],
      [
        200,
        await ask(
          service,
          `OPTIONS ${path('preflight')}`,
          'X-Original-Method: OPTIONS',
          'X-Forwarded-Method: OPTIONS',
        ),
      ],
      [401, await ask(service, `GET ${path('-')}`)],
      [403, await ask(service, `GET ${path('roles=admin')}`, good)],
      [403, await ask(service, `GET ${path('nonsense')}`, good)],
    ] as const) {
      t.match(answer.status, ` ${status} `, family)
      t.equal(headerOf(answer, 'cache-control'), 'no-store', `${family} ${status}`)
      const vary = headerOf(answer, 'vary')?.toLowerCase().split(', ')
      for (const name of ['authorization', 'cookie', 'dpop', 'access-token'])
        t.ok(vary?.includes(name), `${family} ${status}: ${name}`)
    }
})

t.test('a yes is exactly 200, with who it is in every identity header, and no body', async (t) => {
  const service = await open(t)
  const { token, handle } = await service.signIn()
  for (const path of Object.values(families)) {
    const answer = await ask(service, `GET ${path('-')}`, `Authorization: Bearer ${token}`)
    t.equal(answer.status, 'HTTP/1.1 200 OK')
    t.equal(answer.body, '')
    for (const name of identityHeaders) t.match(headerOf(answer, name), /^\S/, name)
    t.equal(headerOf(answer, 'x-auth-subject'), ada.uid)
    t.equal(headerOf(answer, 'x-auth-session'), handle)
    t.equal(headerOf(answer, 'x-auth-kind'), 'rotating')
    t.equal(headerOf(answer, 'x-auth-country'), '-')
    t.match(headerOf(answer, 'x-auth-expires'), /^\d{10}$/)
    t.equal(headerOf(answer, 'access-token'), undefined, 'not asked to rotate')
  }
})

t.test(
  'rotation only where the path asks for it, one token in it, and none for the application',
  async (t) => {
    const service = await open(t)
    for (const path of Object.values(families)) {
      const { token, handle } = await service.signIn()
      const answer = await ask(service, `GET ${path('rotate')}`, `access-token: ${token}`)
      t.match(headerOf(answer, 'access-token'), /^cst_/)
      t.not(headerOf(answer, 'access-token'), token)
      t.equal(headerOf(answer, 'client'), handle)
      t.equal(headerOf(answer, 'authorization'), undefined)
      t.equal(headerOf(answer, 'set-cookie'), undefined)
      const again = await ask(service, `GET ${path('rotate')}`, `access-token: ${token}`)
      t.match(again.status, / 200 /, 'allowed without')
    }
  },
)

t.test('whatever the method, the announced body and the query, the question is the same', async (t) => {
  const service = await open(t)
  const { token } = await service.signIn()
  const good = `Authorization: Bearer ${token}`
  for (const path of Object.values(families)) {
    for (const method of METHODS.filter((method) => method !== 'CONNECT'))
      t.match(
        (await ask(service, `${method} ${path('-')}`, good, 'Content-Length: 0')).status,
        / 200 /,
        method,
      )
    for (const type of [
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data',
      '?',
    ])
      for (const length of [0, 5_000_000])
        t.match(
          (
            await ask(
              service,
              `POST ${path('-')}`,
              good,
              `Content-Type: ${type}`,
              `Content-Length: ${length}`,
            )
          ).status,
          / 200 /,
          `${type} ${length}`,
        )
    const query = `?access-token=${token}&roles=-&rotate&scopes`
    t.match((await ask(service, `GET ${path('-')}${query}`)).status, / 401 /, 'no credential in the query')
    t.match(
      (await ask(service, `GET ${path('roles=admin')}${query}`, good)).status,
      / 403 /,
      'no requirement in it',
    )
    const plain = await ask(service, `GET ${path('-')}${query}`, good)
    t.equal(headerOf(plain, 'access-token'), undefined, 'no wish in it')
    t.match((await ask(service, `GET ${path('-')} HTTP/1.0`, good)).status, / 200 /, 'HTTP/1.0')
  }
})

t.test('the method that is asked about is that of the family, whatever others say', async (t) => {
  const service = await open(t)
  const says = {
    nginx: 'X-Original-Method',
    'forward-auth': 'X-Forwarded-Method',
    haproxy: 'X-Original-Method',
  }
  const all = ['X-Original-Method', 'X-Forwarded-Method', 'X-HTTP-Method-Override', 'X-Method-Override']
  for (const [family, path] of Object.entries(families)) {
    const own = says[family as keyof typeof says]
    const others = all.filter((name) => name !== own).map((name) => `${name}: OPTIONS`)
    const start = `GET ${path('preflight')}`
    t.match((await ask(service, start, ...others)).status, / 401 /, family)
    if (own === undefined) continue
    t.match((await ask(service, start, `${own}: OPTIONS`)).status, / 200 /, family)
    t.match(
      (await ask(service, start, `${own}: OPTIONS`, `${own}: OPTIONS`)).status,
      / 401 /,
      `${family}: doubled`,
    )
    t.match(
      (await ask(service, `GET ${path('-')}`, `${own}: OPTIONS`)).status,
      / 401 /,
      `${family}: not asked for`,
    )
  }
})

t.test('more than one credential is refused, as a refusal that every gateway carries through', async (t) => {
  const service = await open(t)
  const [one, two] = [await service.signIn(), await service.signIn()]
  for (const path of Object.values(families))
    for (const headers of [
      [`Authorization: Bearer ${one.token}`, `Authorization: Bearer ${one.token}`],
      [`Authorization: Bearer ${one.token}`, 'Authorization: Basic YTpi'],
      [`Authorization: Bearer ${one.token}`, `access-token: ${two.token}`],
      [`access-token: ${one.token}`, `access-token: ${one.token}`],
      [`access-token: ${one.token}`, `access-token: ${two.token}`],
    ]) {
      const answer = await ask(service, `GET ${path('-')}`, ...headers)
      t.match(answer.status, / 401 /, headers.join())
      t.match(headerOf(answer, 'www-authenticate'), /^Bearer .*error="/)
    }
})

t.test('requirements may be left out where the path ends with them', async (t) => {
  const service = await open(t)
  const { token } = await service.signIn()
  for (const family of ['nginx', 'forward-auth', 'haproxy'])
    for (const method of ['GET', 'HEAD', 'POST'])
      for (const path of [family, `${family}/`]) {
        const answer = await ask(service, `${method} /gateway/${path}`, `access-token: ${token}`)
        t.match(answer.status, / 200 /, `${method} ${path}`)
        t.equal(headerOf(answer, 'access-token'), undefined)
      }
})

t.test("the client's path means nothing to Envoy's endpoint", async (t) => {
  const service = await open(t)
  const { token } = await service.signIn()
  const good = `Authorization: Bearer ${token}`
  const long = `/${'x'.repeat(20_000)}`
  for (const path of [
    '/',
    '//',
    '/../..',
    '/../-/',
    '/%2e%2e/-',
    '/%2f..',
    '/a;rotate',
    long,
    '/%00',
    '/?a=%zz',
    '/*',
  ]) {
    t.match((await ask(service, `GET /gateway/envoy${path}`, good)).status, / 200 /, path.slice(0, 20))
    const admin = await ask(service, `GET /gateway/envoy-requires/roles=admin${path}`, good)
    t.match(admin.status, / 403 /, path.slice(0, 20))
  }
  for (const path of ['', 'x', '*'])
    t.match(
      (await ask(service, `OPTIONS /gateway/envoy-requires/roles=admin${path}`, good)).status,
      / 403 /,
      path,
    )
  t.match((await ask(service, 'HEAD /gateway/envoy/', good)).status, / 200 /)
  t.match((await ask(service, 'GET /gateway/envoy/%zz', good)).status, / 400 /, 'what is no path')
})

t.test('a uid beyond ASCII travels as UTF-8 with a yes, and with the token of a no', async (t) => {
  const service = await startService(t, { env: { COUNTERSIGN_ROTATE_AFTER: '0' } })
  const uid = 'jürgen+大@example.com'
  await service.addAccount({ uid, email: uid, provider: 'email', password: ada.password })
  const { token } = await service.signIn(uid)
  const no = await ask(service, 'GET /gateway/nginx/roles=admin;rotate', `access-token: ${token}`)
  t.match(no.status, / 403 /)
  t.equal(headerOf(no, 'uid'), uid)
  t.equal(headerOf(no, 'content-type'), 'application/problem+json; charset=utf-8')
  t.match(JSON.parse(no.body), { status: 403, detail: 'This needs the role admin.' })
  const next = headerOf(no, 'access-token')
  t.not(next, token)
  const yes = await ask(service, 'GET /gateway/nginx/rotate', `access-token: ${next}`)
  t.match(yes.status, / 200 /)
  t.equal(headerOf(yes, 'uid'), uid)
  t.equal(headerOf(yes, 'x-auth-subject'), uid)
})

t.test('a head as large as browsers and gateways together make it', async (t) => {
  const service = await open(t)
  const { token } = await service.signIn()
  const cookie = `Cookie: ${'c'.repeat(20_000)}`
  t.match((await ask(service, 'GET /gateway/nginx', `access-token: ${token}`, cookie)).status, / 200 /)
})

t.test('without Redis: 503 and when to come back, never about a token that cannot be good', async (t) => {
  const service = await open(t)
  const { token } = await service.signIn()
  service.redis.freeze()
  for (const path of Object.values(families)) {
    const answer = await ask(service, `GET ${path('-')}`, `access-token: ${token}`)
    t.match(answer.status, / 503 /)
    t.match(headerOf(answer, 'retry-after'), /^\d+$/)
    t.equal(headerOf(answer, 'cache-control'), 'no-store')
    t.match(headerOf(answer, 'vary'), /authorization/i)
    for (const name of identityHeaders) t.equal(headerOf(answer, name), undefined)
    for (const bad of ['x', `${token.slice(0, -2)}${token.at(-2) === 'A' ? 'E' : 'A'}${token.at(-1)}`])
      t.match((await ask(service, `GET ${path('-')}`, `access-token: ${bad}`)).status, / 401 /)
  }
})
