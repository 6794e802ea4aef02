/** What operators ask, and what a connection may do: readiness, request ids, bounds, the end. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { headerOf, readAnswer, sendRaw } from '../support/exchange.js'
import { ada, startService, type TestService } from '../support/service.js'

const WITHIN_MS = 500
const RECOVERS_WITHIN_MS = 2000

async function ask({ app }: TestService, url: string) {
  const startedAt = performance.now()
  const { statusCode, headers, body } = await app.inject(url)
  const ms = performance.now() - startedAt
  return { statusCode, retryAfter: headers['retry-after'], body: JSON.parse(body), ms }
}

async function untilReady(service: TestService): Promise<number> {
  const startedAt = performance.now()
  while ((await ask(service, '/readyz')).statusCode !== 200) {
    if (performance.now() - startedAt > 10_000) throw new Error('never ready again')
    await delay(20)
  }
  return performance.now() - startedAt
}

async function saysUnavailable(t: Test, service: TestService) {
  const ready = await ask(service, '/readyz')
  t.strictSame(
    { statusCode: ready.statusCode, body: ready.body, retryAfter: ready.retryAfter },
    { statusCode: 503, body: { status: 'unavailable', redis: 'unavailable' }, retryAfter: '1' },
  )
  t.ok(ready.ms < WITHIN_MS, `answered after ${ready.ms.toFixed()} ms`)
  t.match(await ask(service, '/healthz'), { statusCode: 200, body: { status: 'ok' } }, 'the process runs')
}

t.test('readiness follows Redis, frozen or killed, and comes back with it', async (t) => {
  const service = await startService(t)
  service.redis.freeze()
  await saysUnavailable(t, service)
  service.redis.thaw()
  t.ok((await untilReady(service)) < RECOVERS_WITHIN_MS)

  await service.redis.kill()
  await saysUnavailable(t, service)
  await service.redis.restart()
  t.ok((await untilReady(service)) < RECOVERS_WITHIN_MS)
})

t.test('a process that is on its way out is alive, but not ready', async (t) => {
  const service = await startService(t)
  service.drain()
  t.match(await ask(service, '/readyz'), {
    statusCode: 503,
    body: { status: 'draining' },
    retryAfter: '1',
  })
  t.match(await ask(service, '/healthz'), { statusCode: 200 })
})

t.test('what has begun is finished when the service closes', async (t) => {
  const service = await startService(t)
  await service.addAccount()
  service.secrets.guard(ada.password)
  const body = JSON.stringify({ email: ada.email, password: ada.password })
  const answer = sendRaw(
    service.port,
    `POST /auth/sign_in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  await once(service.app.server, 'request')
  await service.app.close()
  t.match(await answer, /^HTTP\/1\.1 200 OK\r\n/)
  await t.rejects(sendRaw(service.port, 'GET /healthz HTTP/1.1\r\n\r\n'), { code: 'ECONNREFUSED' })
})

t.test('request ids: one a request, a sane one of the gateway kept', async (t) => {
  const { app } = await startService(t)
  const idOf = async (given?: string) => {
    const headers = given === undefined ? {} : { 'x-request-id': given }
    return String((await app.inject({ url: '/healthz', headers })).headers['x-request-id'])
  }
  const ids = await Promise.all(Array.from({ length: 100 }, () => idOf()))
  t.equal(new Set(ids).size, 100)
  for (const good of [
    '0',
    'a'.repeat(128),
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'Root=1-67891233',
  ])
    t.equal(await idOf(good), good)
  for (const bad of ['', 'a'.repeat(129), 'a b', '<script>', 'é', '{"a":1}', 'a,b', '"quoted"'])
    t.not(await idOf(bad), bad)
  t.equal(
    (await app.inject({ url: '/nothing', headers: { 'x-request-id': 'edge-1' } })).headers['x-request-id'],
    'edge-1',
  )
})

t.test('a failure of ours is logged under its request id, without what was sent', async (t) => {
  const service = await startService(t)
  await service.addAccount()
  const { headers } = await service.signIn()
  // A key of another type is nothing that a running Redis does to us: it stands for a bug.
  const [key = ''] = await service.redis.client.keys('cs:{*')
  await service.redis.client.set(key, 'no hash')
  const answer = await service.app.inject({
    url: `/auth/validate_token?access-token=${headers['access-token']}`,
    headers: { 'x-request-id': 'edge-2' },
  })
  t.equal(answer.statusCode, 500)
  t.strictSame(answer.json(), { success: false, errors: ['Something went wrong on our side.'] })
  const logged = service.secrets.lines.map((line) => JSON.parse(line)).find(({ level }) => level === 50)
  t.match(logged, { reqId: 'edge-2', msg: 'request failed', err: { message: /WRONGTYPE/ } })
})

t.test('bounds on a connection are set on purpose', async (t) => {
  const { app } = await startService(t)
  t.match(app.server, {
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    keepAliveTimeout: 75_000,
    timeout: 0, // slow-readers.ts
  })
  t.equal(app.initialConfig.bodyLimit, 64 * 1024)
})

const problem = (status: number, title: string, detail: string) => ({
  type: 'about:blank',
  title,
  status,
  detail,
})
const malformed = problem(400, 'Bad Request', 'The request is not valid HTTP.')

/** None of these is a request yet: there is no path to choose a dialect by. All carry a token that must not be logged. */
const unreadable: Record<string, [bytes: (token: string) => string, body: object]> = {
  'no HTTP at all': [(token) => `hello ${token}\r\n\r\n`, malformed],
  'a verb that is none': [(token) => `FETCH /?a=${token} HTTP/1.1\r\nHost: x\r\n\r\n`, malformed],
  'NUL in a header': [(token) => `GET / HTTP/1.1\r\nHost: x\r\naccess-token: ${token}\0\r\n\r\n`, malformed],
  'a space before the colon': [
    (token) => `GET / HTTP/1.1\r\nHost: x\r\naccess-token : ${token}\r\n\r\n`,
    malformed,
  ],
  'a folded header': [(token) => `GET / HTTP/1.1\r\nHost: x\r\na: b\r\n ${token}\r\n\r\n`, malformed],
  'two lengths': [
    (token) => `POST / HTTP/1.1\r\nHost: ${token}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
    malformed,
  ],
  'a length and chunks, as request smuggling has it': [
    (token) =>
      `POST / HTTP/1.1\r\nHost: ${token}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    malformed,
  ],
  'headers over 32 KiB': [
    (token) => `GET / HTTP/1.1\r\nHost: x\r\naccess-token: ${token}\r\na: ${'x'.repeat(33_000)}\r\n\r\n`,
    problem(431, 'Request Header Fields Too Large', 'The request headers are too large.'),
  ],
}

t.test('what is no request is answered, and the connection closed', async (t) => {
  const service = await startService(t)
  await service.addAccount()
  const { token } = await service.signIn()
  for (const [what, [bytes, body]] of Object.entries(unreadable)) {
    const answer = readAnswer(await sendRaw(service.port, bytes(token)))
    t.match(answer.status, new RegExp(`^HTTP/1\\.1 ${'status' in body ? body.status : ''} `), what)
    t.strictSame(JSON.parse(answer.body), body, what)
    t.equal(headerOf(answer, 'content-type'), 'application/problem+json', what)
    t.equal(headerOf(answer, 'connection'), 'close', what)
  }
})

t.test('a connection serves one request after another, and pipelined ones in order', async (t) => {
  const service = await startService(t)
  const get = (url: string, rest = '') => `GET ${url} HTTP/1.1\r\nHost: x\r\n${rest}\r\n`
  const answers = await sendRaw(
    service.port,
    get('/healthz') + get('/nothing') + get('/readyz', 'Connection: close\r\n'),
  )
  t.strictSame(
    [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ['200', '404', '200'],
  )
})

t.test('a client that goes away in the middle of a request harms nobody', async (t) => {
  const service = await startService(t)
  const socket = connect(service.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    'POST /auth/sign_in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"em',
  )
  await once(service.app.server, 'request')
  socket.resetAndDestroy()
  t.match(await ask(service, '/readyz'), { statusCode: 200 })
  t.notOk(
    service.secrets.lines.some((line) => JSON.parse(line).level >= 50),
    'and is no error of ours',
  )
})

t.test("every path answers under /api too, once, but for what is no dialect's", async (t) => {
  const { app, port } = await startService(t)
  for (const url of ['/token', '/api/token', '/api/token/', '/api/.well-known/jwks.json', '/api/metrics'])
    t.not((await app.inject(url)).statusCode, 404, url)
  for (const url of ['/api', '/apitoken', '/api/api/token', '/a/api/token', '/api/healthz', '/api/docs'])
    t.equal((await app.inject(url)).statusCode, 404, url)
  const whole = await sendRaw(port, 'GET http://x/api/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  t.match(whole, /^HTTP\/1\.1 401 /, 'the target may be a whole URL (RFC 9112 section 3.2.2)')
})
