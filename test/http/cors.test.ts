/** Cross-origin rules: nobody unless configured, then exactly those, with exactly the headers that devise's clients need. */
import t from 'tap'
import { commandsDuring } from '../support/redis-state.js'
import { ada, startService, type TestService } from '../support/service.js'

const app1 = 'https://app.example.com'
const exposed = 'access-token, token-type, client, expiry, uid, authorization'
const allowed = `${exposed}, content-type, if-modified-since, accept, x-requested-with`

const corsOf = (headers: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')))

function preflight({ app }: TestService, origin: string, url = '/auth/validate_token') {
  const headers = {
    origin,
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'access-token,client,uid,x-evil',
  }
  return app.inject({ method: 'OPTIONS', url, headers })
}

t.test('without configured origins there is no CORS at all', async (t) => {
  const service = await startService(t)
  const { headers } = await service.app.inject({ url: '/auth/validate_token', headers: { origin: app1 } })
  t.strictSame(corsOf(headers), {})
  t.notOk('vary' in headers)
  const asked = await preflight(service, app1)
  t.strictSame(corsOf(asked.headers), {})
  t.equal(asked.statusCode, 405)
  t.equal(asked.headers.allow, 'GET, HEAD')
})

t.test('configured origins, and no other', async (t) => {
  const service = await startService(t, {
    env: { COUNTERSIGN_CORS_ORIGINS: `${app1}, http://localhost:8080` },
  })
  for (const origin of [app1, 'http://localhost:8080']) {
    const { headers, statusCode } = await preflight(service, origin)
    t.equal(statusCode, 204)
    t.strictSame(corsOf(headers), {
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
      'access-control-allow-headers': allowed,
      'access-control-expose-headers': exposed,
      'access-control-max-age': '600',
    })
    t.equal(headers.vary, 'Origin')
  }
  const others = [
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.com',
    'https://evil-app.example.com',
    'https://APP.example.com.',
    'http://localhost',
    'http://localhost:80800',
    'null',
    '*',
    '',
  ]
  for (const origin of others)
    for (const answer of [
      await preflight(service, origin),
      await service.app.inject({ url: '/auth/validate_token', headers: { origin } }),
    ]) {
      t.notOk('access-control-allow-origin' in answer.headers, `${origin} is not allowed`)
      t.notOk('access-control-allow-credentials' in answer.headers)
    }
})

t.test('pages can read refusals and failures, too', async (t) => {
  const service = await startService(t, { env: { COUNTERSIGN_CORS_ORIGINS: app1 } })
  const requests = {
    401: { url: '/auth/validate_token' },
    400: {
      method: 'POST',
      url: '/auth/sign_in',
      payload: '{',
      headers: { 'content-type': 'application/json' },
    },
    403: { method: 'POST', url: '/auth', payload: {} },
    404: { url: '/auth/nothing' },
    405: { method: 'POST', url: '/auth/validate_token' },
    413: { method: 'POST', url: '/auth/sign_in', payload: { a: 'x'.repeat(70_000) } },
    415: { method: 'POST', url: '/auth/sign_in', payload: 'x', headers: { 'content-type': 'text/xml' } },
  } as const
  for (const [status, request] of Object.entries(requests)) {
    const headers = { ...('headers' in request ? request.headers : {}), origin: app1 }
    const answer = await service.app.inject({ ...request, headers })
    t.equal(answer.statusCode, Number(status))
    t.strictSame(corsOf(answer.headers), {
      'access-control-allow-origin': app1,
      'access-control-expose-headers': exposed,
    })
  }
  await service.redis.kill()
  const url = '/auth/sign_in'
  const payload = { email: ada.email, password: 'not mine' }
  const answer = await service.app.inject({ method: 'POST', url, payload, headers: { origin: app1 } })
  t.equal(answer.statusCode, 503)
  t.equal(corsOf(answer.headers)['access-control-allow-origin'], app1)
})

t.test('a preflight asks nobody', async (t) => {
  const service = await startService(t, { env: { COUNTERSIGN_CORS_ORIGINS: app1 } })
  const commands = await commandsDuring(service.redis.client, () =>
    preflight(service, app1, '/api/auth/sign_out'),
  )
  t.strictSame(commands, {})
})
