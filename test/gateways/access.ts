/** Who passes, and as whom. */
import type { Test } from 'tap'
import { headerOf } from '../support/exchange.js'
import { ada } from '../support/service.js'
import { readAs } from './application.js'
import { arrivedIn, bearer, credentials, identity, refused, tokenHeaders, type World } from './world.js'

export async function access(t: Test, world: World): Promise<void> {
  const { service, users, wire, ask } = world

  await t.test('a live session passes; the application is told who it is, not what proves it', async (t) => {
    const before = wire.asked().length
    const tuple = await service.signIn()
    const path = '/api/things?scopes=admin&access-token=x'
    for (const headers of [
      [bearer(users.fixed)],
      [bearer(users.jwt)],
      Object.entries(tuple.headers).map(([name, value]) => `${name}: ${value}`),
    ]) {
      const answer = await ask({ path, headers })
      const arrived = arrivedIn(t, answer)
      t.equal(arrived.url, path)
      for (const name of identity) t.match(readAs(name, arrived), [/./], name)
      t.strictSame(readAs('x-auth-subject', arrived), [ada.uid])
      t.strictSame(readAs('x-auth-roles', arrived), ['-'])
      for (const name of credentials) t.strictSame(readAs(name, arrived), [], name)
      for (const name of tokenHeaders)
        t.equal(headerOf(answer, name), undefined, `${name}: not asked to rotate`)
    }
    const asked = wire.asked().slice(before)
    t.strictSame(
      asked.map((head) => head.split('\r\n')[0]),
      Array(3).fill(world.question(path)),
    )
  })

  await t.test('what is not the credential of a live session is refused', async (t) => {
    const { token } = await service.signIn()
    const cases: Record<string, string[]> = {
      none: [],
      'no token': [bearer('undefined')],
      'another scheme': ['Authorization: Basic YWRhOmFkYQ=='],
      forged: [bearer(`${token.slice(0, -2)}${token.at(-2) === 'A' ? 'E' : 'A'}${token.at(-1)}`)],
      expired: [bearer(users.expired)],
      revoked: [bearer(users.revoked)],
      suspended: [bearer(users.suspended)],
      'two of them': [bearer(users.fixed), `access-token: ${token}`],
    }
    for (const [what, headers] of Object.entries(cases)) {
      const answer = await refused(t, world, { path: '/api/', headers })
      const challenge = headerOf(answer, 'www-authenticate')
      t.match(answer.status, / 401 /, what)
      t.match(challenge, /^Bearer realm="Countersign"[^B]*$/, `${what}: one challenge`)
      t.match(headerOf(answer, 'content-type'), 'application/problem+json', what)
      t.equal(headerOf(answer, 'cache-control'), 'no-store', what)
      t.equal(JSON.parse(answer.body).status, 401, what)
    }
  })

  await t.test('nobody chooses between two credentials of one kind', async (t) => {
    const { token } = await service.signIn()
    for (const [good, other] of [
      [bearer(users.fixed), bearer('x')],
      [`access-token: ${token}`, 'access-token: x'],
    ] as const)
      for (const headers of [
        [good, other],
        [other, good],
        [good, good],
      ])
        t.match((await refused(t, world, { path: '/api/', headers })).status, / 40[01] /, headers.join())
  })

  await t.test('a session that ends is refused at once', async (t) => {
    const { token, headers } = await service.signIn()
    const request = { path: '/api/', headers: [`access-token: ${token}`] }
    arrivedIn(t, await ask(request))
    await service.app.inject({ method: 'DELETE', url: '/auth/sign_out', headers })
    t.match((await refused(t, world, request)).status, / 401 /)
  })

  await t.test('roles and scopes are what the configuration says, whatever the client says', async (t) => {
    const admin = arrivedIn(t, await ask({ path: '/admin/', headers: [bearer(users.admin)] }))
    t.strictSame(readAs('x-auth-roles', admin), ['admin'])
    const reporter = arrivedIn(t, await ask({ path: '/reports/', headers: [bearer(users.reporter)] }))
    t.strictSame(readAs('x-auth-scopes', reporter), ['reports'])

    const uris = ['X-Original-Uri: /api/', 'X-Forwarded-Uri: /api/']
    const claims = [...uris, 'X-Auth-Roles: admin', 'X-Auth-Scopes: reports']
    for (const [path, token] of [
      ['/admin/?roles=-', users.fixed],
      ['/admin/;roles=-', users.reporter],
      ['/reports/?scopes=-', users.fixed],
      ['/reports/', users.admin],
    ] as const) {
      const answer = await refused(t, world, { path, headers: [bearer(token), ...claims] })
      t.match(answer.status, / 403 /, path)
      t.match(headerOf(answer, 'content-type'), 'application/problem+json')
      if (path.startsWith('/reports'))
        t.match(headerOf(answer, 'www-authenticate'), 'error="insufficient_scope", scope="reports"')
    }
  })

  await t.test('many users at once: each is who it is', async (t) => {
    const ways = [
      [users.fixed, ada.uid],
      [users.admin, 'root'],
      [users.revoked, undefined],
      [users.jwt, ada.uid],
    ] as const
    const crowd = Array.from({ length: 15 }, () => ways).flat()
    const answers = await Promise.all(
      crowd.map(([token]) => ask({ path: '/api/same', headers: [bearer(token)] })),
    )
    for (const [i, answer] of answers.entries()) {
      const subject = crowd[i]?.[1]
      if (subject === undefined) t.match(answer.status, / 401 /)
      else t.strictSame(readAs('x-auth-subject', arrivedIn(t, answer)), [subject])
    }
  })
}
