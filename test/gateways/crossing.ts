/** What of a request crosses a gateway: to the application, and to the service. */
import type { Test } from 'tap'
import { readAs } from './application.js'
import { arrivedIn, bearer, identity, refused, type World } from './world.js'

export async function forgeries(t: Test, world: World): Promise<void> {
  const { users, ask } = world

  await t.test('forged identity headers never reach the application', async (t) => {
    const names = identity.flatMap((name) => {
      const word = name.slice('x-auth-'.length)
      const odd = [`x_auth_${word}`, `X_Auth_${word}`, `X-Auth_${word}`, `x_auth-${word}`]
      return [name, name.toUpperCase(), `X-aUTH-${word}`, ...odd]
    })
    const headers = [...names, ...names].map((name) => `${name}: forged`)
    for (const path of ['/api/', '/app/']) {
      const arrived = arrivedIn(t, await ask({ path, headers: [bearer(users.fixed), ...headers] }))
      for (const name of identity) t.equal(readAs(name, arrived).length, 1, `${path} ${name}: once`)
      t.notMatch(JSON.stringify(arrived), 'forged', path)
    }
    const nobody = arrivedIn(t, await ask({ method: 'OPTIONS', path: '/app/', headers }))
    for (const name of identity) t.strictSame(readAs(name, nobody), ['-'], `preflight: ${name}`)
  })

  await t.test(
    'a preflight passes where the configuration says so, and is nothing but OPTIONS',
    async (t) => {
      arrivedIn(t, await ask({ method: 'OPTIONS', path: '/app/' }))
      t.match((await refused(t, world, { method: 'OPTIONS', path: '/api/' })).status, / 401 /)
      const claims = [
        'X-Original-Method',
        'X-Forwarded-Method',
        'X-HTTP-Method-Override',
        'X_Original_Method',
      ]
      const headers = claims.map((name) => `${name}: OPTIONS`)
      for (const method of ['GET', 'POST', 'HEAD', 'DELETE'])
        t.match((await refused(t, world, { method, path: '/app/', headers })).status, / 401 /, method)
    },
  )
}

export async function crossing(t: Test, world: World): Promise<void> {
  const { service, users, wire, ask } = world
  const good = bearer(users.fixed)

  await t.test('a body reaches the application, and only the application', async (t) => {
    const before = wire.asked().length
    const type = 'Content-Type: application/json'
    const body = 'x'.repeat(300_000)
    const post = { method: 'POST', path: '/api/', headers: [good, type], body }
    t.equal(arrivedIn(t, await ask(post)).body, body)
    const inChunks = `5\r\nhello\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    const put = {
      method: 'PUT',
      path: '/app/',
      headers: [good, 'Transfer-Encoding: chunked'],
      body: inChunks,
    }
    t.equal(arrivedIn(t, await ask(put)).body, `hello${body}`)
    t.match((await refused(t, world, { ...post, headers: [type] })).status, / 401 /)
    for (const head of wire.asked().slice(before)) {
      t.match(head, /^GET /)
      t.notMatch(head, /^(content-length: [^0]|transfer-encoding|expect)/im)
    }
  })

  await t.test('any method, and HTTP/1.0', async (t) => {
    for (const method of ['HEAD', 'PATCH', 'DELETE', 'PROPFIND', 'REPORT'])
      t.match((await ask({ method, path: '/api/', headers: [good] })).status, / 200 /, method)
    t.match((await ask({ path: '/api/', headers: [good], version: '1.0' })).status, / 200 /)
  })

  await t.test("the client's address is the gateway's to say; cookies are the application's", async (t) => {
    const before = wire.asked().length
    const claims = ['X-Forwarded-For: 6.6.6.6', 'Forwarded: for=6.6.6.6', 'X-Real-IP: 6.6.6.6', 'Cookie: a=b']
    const { headers } = await service.signIn()
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    const ours = await service.noted(() => ask({ path: '/api/', headers: [...lines, ...claims] }))
    const arrived = arrivedIn(t, ours)
    t.strictSame(readAs('x-forwarded-for', arrived), ['127.0.0.1'])
    t.strictSame(readAs('cookie', arrived), ['a=b'])
    const [head = ''] = wire.asked().slice(before)
    t.match(head, /^x-forwarded-for: 127\.0\.0\.1$/im)
    t.notMatch(head, /^cookie:/im)
    const list = await service.app.inject({ url: '/token', headers })
    t.notMatch(list.body, '6.6.6.6')
  })
}
