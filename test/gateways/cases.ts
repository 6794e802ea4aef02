/** What must hold behind every gateway, played against the real program with the configuration that `examples/` shows. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { type Answer, headerOf } from '../support/exchange.js'
import { ada, operator, type TestService } from '../support/service.js'
import { type Arrived, readAs } from './application.js'
import { type Gateway, openWorld, type World } from './gateway.js'
import { oneBrowser } from './one-browser.js'
import { outages } from './outages.js'

const identity = ['subject', 'session', 'kind', 'roles', 'scopes', 'country', 'expires'].map(
  (word) => `x-auth-${word}`,
)
const credentials = ['authorization', 'access-token', 'client', 'uid']
const tokenHeaders = ['access-token', 'token-type', 'client', 'expiry', 'uid']

/** Runs all cases on one gateway; skipped, or in CI failed, where its program cannot be had. */
export async function gatewayCases(t: Test, gateway: Gateway): Promise<void> {
  const world = await openWorld(t, gateway)
  if (world === undefined) return
  const { service, wire, application, ask } = world
  const users = await openUsers(service)
  const bearer = `Authorization: Bearer ${users.fixed}`

  /** Asks for what must not reach the application. */
  async function refused(t: Test, what: string, request: Parameters<World['ask']>[0]): Promise<Answer> {
    const before = application.count()
    const answer = await ask(request)
    t.equal(application.count(), before, `${what}: did not reach the application`)
    return answer
  }

  await t.test('a live session passes; the application is told who it is, not what proves it', async (t) => {
    const before = wire.asked().length
    const tuple = await service.signIn()
    for (const headers of [
      [bearer],
      [`Authorization: Bearer ${users.jwt}`],
      Object.entries(tuple.headers).map(([name, value]) => `${name}: ${value}`),
    ]) {
      const answer = await ask({ path: '/api/things?scopes=admin&access-token=x', headers })
      const arrived = arrivedIn(t, answer)
      t.equal(arrived.url, '/api/things?scopes=admin&access-token=x')
      for (const name of identity) t.match(readAs(name, arrived), [/./], name)
      t.strictSame(readAs('x-auth-subject', arrived), [ada.uid])
      t.strictSame(readAs('x-auth-roles', arrived), ['-'])
      for (const name of credentials) t.strictSame(readAs(name, arrived), [], name)
      for (const name of tokenHeaders)
        t.equal(headerOf(answer, name), undefined, `${name}: not asked to rotate`)
      t.equal(headerOf(answer, 'x-app'), 'yes')
    }
    const asked = wire.asked().slice(before)
    t.equal(asked.length, 3)
    for (const head of asked) t.match(head, new RegExp(`^GET /gateway/${gateway.family}/- HTTP/1\\.1\r\n`))
  })

  await t.test('what is not the credential of a live session is refused', async (t) => {
    const { token } = await service.signIn()
    const cases: Record<string, string[]> = {
      none: [],
      'no token': ['Authorization: Bearer undefined'],
      another: ['Authorization: Basic YWRhOmFkYQ=='],
      forged: [
        `Authorization: Bearer ${token.slice(0, -2)}${token.at(-2) === 'A' ? 'E' : 'A'}${token.at(-1)}`,
      ],
      expired: [`Authorization: Bearer ${users.expired}`],
      revoked: [`Authorization: Bearer ${users.revoked}`],
      suspended: [`Authorization: Bearer ${users.suspended}`],
      'two of them': [bearer, `access-token: ${token}`],
    }
    for (const [what, headers] of Object.entries(cases)) {
      const answer = await refused(t, what, { path: '/api/', headers })
      t.match(answer.status, /^HTTP\/1\.1 401 /, what)
      t.match(
        headerOf(answer, 'www-authenticate'),
        /^Bearer realm="Countersign"[^B]*$/,
        `${what}: one challenge`,
      )
      t.match(headerOf(answer, 'content-type'), 'application/problem+json', what)
      t.equal(headerOf(answer, 'cache-control'), 'no-store', what)
      t.equal(JSON.parse(answer.body).status, 401, what)
    }
    for (const header of [bearer, `access-token: ${token}`]) {
      const other = header.startsWith('Auth') ? 'Authorization: Bearer x' : 'access-token: x'
      for (const headers of [
        [header, other],
        [other, header],
        [header, header],
      ]) {
        const answer = await refused(t, 'doubled', { path: '/api/', headers })
        t.match(answer.status, / 40[01] /, headers.map((line) => line.slice(0, 24)).join())
      }
    }
  })

  await t.test('a revoked session is refused at once', async (t) => {
    const { token, headers } = await service.signIn()
    const request = { path: '/api/', headers: [`access-token: ${token}`] }
    arrivedIn(t, await ask(request))
    await service.app.inject({ method: 'DELETE', url: '/auth/sign_out', headers })
    t.match((await refused(t, 'revoked', request)).status, / 401 /)
  })

  await t.test('roles and scopes are what the configuration says, whatever the client says', async (t) => {
    const admin = `Authorization: Bearer ${users.admin}`
    const reporter = `Authorization: Bearer ${users.reporter}`
    t.strictSame(readAs('x-auth-roles', arrivedIn(t, await ask({ path: '/admin/', headers: [admin] }))), [
      'admin',
    ])
    t.strictSame(
      readAs('x-auth-scopes', arrivedIn(t, await ask({ path: '/reports/', headers: [reporter] }))),
      ['reports'],
    )
    for (const [path, header] of [
      ['/admin/?roles=-', bearer],
      ['/admin/;roles=-', reporter],
      ['/reports/?scopes=-', bearer],
      ['/reports/', admin],
    ] as const) {
      const claims = [
        'X-Original-Uri: /api/',
        'X-Forwarded-Uri: /api/',
        'X-Auth-Roles: admin',
        'X-Auth-Scopes: reports',
      ]
      const answer = await refused(t, path, { path, headers: [header, ...claims] })
      t.match(answer.status, / 403 /, path)
      t.match(headerOf(answer, 'content-type'), 'application/problem+json')
      if (path.startsWith('/reports'))
        t.match(headerOf(answer, 'www-authenticate'), 'error="insufficient_scope", scope="reports"')
    }
  })

  await t.test('paths that lead elsewhere for somebody else lead nowhere', async (t) => {
    for (const rest of [
      ...[
        '..',
        '../',
        '../admin/',
        './../admin/',
        '%2e%2e/admin/',
        '%2E%2e/admin/',
        '.%2e/admin/',
        '..;/admin/',
      ],
      ...[
        '..%2fadmin/',
        '..%2Fadmin/',
        '..%5cadmin/',
        '..\\admin/',
        '/../admin/',
        '%00/../admin/',
        '/admin/',
        'a%2f..%2f',
      ],
    ]) {
      const path = `/api/${rest}`
      t.match((await refused(t, path, { path, headers: [bearer] })).status, / 40[034] /, path)
    }
    for (const path of ['//admin/', '/%2e/admin/', '/api//admin/', '/api/%2e/'])
      t.match((await refused(t, path, { path, headers: [bearer] })).status, / 40[034] /, path)
    for (const path of ['/', '/unknown/', '/_countersign/-', `/gateway/${gateway.family}/-`])
      t.match((await refused(t, path, { path, headers: [bearer] })).status, / 40[14] /, path)
    const fine = '/api/a%20b/.well-known/x..y/100%25/?u=http://x/../%2f%2e'
    t.equal(arrivedIn(t, await ask({ path: fine, headers: [bearer] })).url, fine)
  })

  await t.test('forged identity headers never reach the application', async (t) => {
    const names = identity.flatMap((name) => {
      const word = name.slice(7)
      const odd = [`x_auth_${word}`, `X_Auth_${word}`, `X-Auth_${word}`, `x_auth-${word}`]
      return [name, name.toUpperCase(), `X-aUTH-${word}`, ...odd]
    })
    const headers = [...names, ...names].map((name) => `${name}: forged`)
    for (const path of ['/api/', '/app/']) {
      const answer = await ask({ path, headers: [bearer, ...headers] })
      const arrived = arrivedIn(t, answer)
      for (const name of identity) {
        t.equal(readAs(name, arrived).length, 1, `${path} ${name}: once`)
        t.notMatch(readAs(name, arrived), ['forged'], `${path} ${name}`)
      }
      t.notMatch(answer.body, 'forged')
    }
    const nobody = arrivedIn(t, await ask({ method: 'OPTIONS', path: '/app/', headers }))
    for (const name of identity) t.strictSame(readAs(name, nobody), ['-'], `preflight: ${name}`)
  })

  await t.test('a preflight passes where the configuration says so, and only as nobody', async (t) => {
    arrivedIn(t, await ask({ method: 'OPTIONS', path: '/app/' }))
    t.match((await refused(t, 'elsewhere', { method: 'OPTIONS', path: '/api/' })).status, / 401 /)
    const claims = ['X-Original-Method', 'X-Forwarded-Method', 'X-HTTP-Method-Override', 'X_Original_Method']
    const headers = claims.map((name) => `${name}: OPTIONS`)
    for (const method of ['GET', 'POST', 'HEAD', 'DELETE'])
      t.match((await refused(t, method, { method, path: '/app/', headers })).status, / 401 /, method)
  })

  await t.test('a body reaches the application, and only the application', async (t) => {
    const body = 'x'.repeat(300_000)
    const before = wire.asked().length
    const type = 'Content-Type: application/json'
    t.equal(
      arrivedIn(t, await ask({ method: 'POST', path: '/api/', headers: [bearer, type], body })).body,
      body,
    )
    const chunks = `5\r\nhello\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    const chunked = {
      method: 'PUT',
      path: '/app/',
      headers: [bearer, 'Transfer-Encoding: chunked'],
      body: chunks,
    }
    t.equal(arrivedIn(t, await ask(chunked)).body, `hello${body}`)
    t.match(
      (await refused(t, 'POST', { method: 'POST', path: '/api/', headers: [type], body: '{}' })).status,
      / 401 /,
    )
    for (const head of wire.asked().slice(before)) {
      t.match(head, /^GET /)
      t.notMatch(head, /^(content-length: [^0]|transfer-encoding|expect)/im)
    }
    for (const method of ['HEAD', 'PATCH', 'DELETE', 'PROPFIND', 'REPORT'])
      t.match((await ask({ method, path: '/api/', headers: [bearer] })).status, / 200 /, method)
    t.match((await ask({ path: '/api/', headers: [bearer], version: '1.0' })).status, / 200 /, 'HTTP/1.0')
  })

  await t.test("the client's address is the gateway's to say; cookies are not ours to see", async (t) => {
    const before = wire.asked().length
    const claims = ['X-Forwarded-For: 6.6.6.6', 'Forwarded: for=6.6.6.6', 'X-Real-IP: 6.6.6.6', 'Cookie: a=b']
    const arrived = arrivedIn(t, await ask({ path: '/api/', headers: [bearer, ...claims] }))
    t.strictSame(readAs('x-forwarded-for', arrived), ['127.0.0.1'])
    t.strictSame(readAs('cookie', arrived), ['a=b'])
    const [head = ''] = wire.asked().slice(before)
    t.match(head, /^x-forwarded-for: 127\.0\.0\.1$/im)
    t.notMatch(head, /^cookie:/im)
  })

  await t.test('people sign in by the same door, and find nothing else of ours behind it', async (t) => {
    const headers = ['Content-Type: application/json', 'X-Forwarded-For: 6.6.6.6']
    const body = JSON.stringify({ uid: ada.uid, password: ada.password })
    const answer = await ask({ method: 'POST', path: '/auth/sign_in', headers, body })
    t.match(answer.status, / 200 /)
    const kept = credentials.slice(1).map((name) => `${name}: ${headerOf(answer, name)}`)
    t.strictSame(readAs('x-auth-subject', arrivedIn(t, await ask({ path: '/api/', headers: kept }))), [
      ada.uid,
    ])
    const admin = `Authorization: Bearer ${users.admin}`
    for (const path of [
      '/accounts',
      '/events',
      '/openapi.json',
      '/readyz',
      '/api/accounts/x',
      '/auth/../accounts',
    ])
      t.notMatch((await ask({ path, headers: [admin] })).body, /ada@example|openapi|ready/i, path)
    const list = await service.app.inject({
      url: '/token',
      headers: { authorization: `Bearer ${users.fixed}` },
    })
    t.notMatch(list.body, '6.6.6.6', 'noted with the address that the gateway sees')
  })

  await t.test('many users at once: each is who it is', async (t) => {
    const ways = [users.fixed, users.admin, users.reporter, users.jwt, undefined]
    const subjects = [ada.uid, 'root', ada.uid, ada.uid, undefined]
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => {
        const token = ways[i % ways.length]
        return ask({
          path: '/api/same',
          headers: token === undefined ? [] : [`Authorization: Bearer ${token}`],
        })
      }),
    )
    for (const [i, answer] of answers.entries()) {
      const subject = subjects[i % ways.length]
      if (subject === undefined) t.match(answer.status, / 401 /)
      else t.strictSame(readAs('x-auth-subject', arrivedIn(t, answer)), [subject])
    }
  })

  await t.test('one browser', async (t) => oneBrowser(t, world))
  await t.test('outages', async (t) => outages(t, world, bearer))
}

/** @returns the request as the application got it */
export function arrivedIn(t: Test, answer: Answer): Arrived {
  t.match(answer.status, / 200 /)
  return JSON.parse(answer.body)
}

/** Tokens of sessions in every state. */
async function openUsers(service: TestService) {
  const rootPassword = 'a long way to the root'
  await service.addAccount({ uid: 'root', provider: 'email', password: rootPassword, roles: ['admin'] })
  await service.addAccount({ uid: 'eve', provider: 'email' })
  const { headers } = await service.signIn('root', rootPassword)

  async function open(uid: string, payload: object): Promise<string> {
    const url = `/accounts/${encodeURIComponent(uid)}/sessions`
    const answer = await service.app.inject({ method: 'POST', url, headers, payload })
    if (answer.statusCode !== 201) throw new Error(answer.body)
    return answer.json().token
  }
  const opened = {
    admin: await open('root', { kind: 'fixed' }),
    fixed: await open(ada.uid, { kind: 'fixed' }),
    jwt: await open(ada.uid, { kind: 'jwt', description: 'one', life: '1 hour' }),
    reporter: await open(ada.uid, { kind: 'fixed', scopes: ['reports'] }),
    expired: await open(ada.uid, { kind: 'jwt', description: 'two', life: '1 second' }),
    revoked: await open(ada.uid, { kind: 'fixed' }),
    suspended: await open('eve', { kind: 'fixed' }),
  }
  const url = '/token'
  await service.app.inject({
    method: 'DELETE',
    url,
    headers: { authorization: `Bearer ${opened.revoked}` },
    payload: { id: opened.revoked },
  })
  await service.accounts.suspend('eve', operator)
  const good = async (token: string) =>
    (await service.app.inject({ url: '/gateway/nginx', headers: { authorization: `Bearer ${token}` } }))
      .statusCode === 200
  while (await good(opened.expired)) await delay(50)
  return opened
}
