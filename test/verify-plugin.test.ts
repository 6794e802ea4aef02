/** `countersign/verify`: an app that verifies in its own process, beside a service that knows nothing of it. */
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { createCountersigner } from '../src/token/countersign.js'
import { generateMasterKeys, parseMasterKeys } from '../src/token/master-keys.js'
import verify from '../src/verify.js'
import { asWorker, basic, kinds, openSession, startOAuth, worker } from './support/oauth.js'
import { startRedis } from './support/redis.js'
import { until } from './support/redis-groups.js'
import { commandsDuring } from './support/redis-state.js'
import { ada, operator, type TestService } from './support/service.js'

const REALM = 'Bearer realm="Countersign"'
const issuer = 'https://tokens.example'
/** What another process needs beyond the service, at most. */
const SLACK_MS = 250

async function start(t: Test, env: Record<string, string> = {}) {
  const redis = await startRedis(t)
  const shared = { COUNTERSIGN_KEYS: generateMasterKeys(), COUNTERSIGN_ISSUER: issuer, ...env }
  const service = await startOAuth(t, { redis, env: shared })
  const app = await startApp(t, { REDIS_URL: redis.url, ...shared })
  return { redis, service, app }
}

async function startApp(t: Test, env: Record<string, string>): Promise<FastifyInstance> {
  const app = fastify()
  t.teardown(() => app.close())
  await app.register(verify, { env })
  app.setErrorHandler((_error, _request, reply) => reply.code(418).send('the app has a handler of its own'))
  const whoami = { handler: async (request: { auth: object }) => request.auth }
  app.get('/', { onRequest: app.requireAuth(), ...whoami })
  app.get('/read', { onRequest: app.requireAuth({ scopes: ['read', 'list'] }), ...whoami })
  app.get('/service', { onRequest: app.requireAuth({ roles: ['admin', 'service'] }), ...whoami })
  app.get('/rotate', { onRequest: app.requireAuth({ rotate: true }), ...whoami })
  app.get('/rotate/admin', { onRequest: app.requireAuth({ rotate: true, roles: ['admin'] }), ...whoami })
  app.get('/open', whoami)
  await app.register(async (scope) => {
    scope.addHook('onRequest', scope.requireAuth())
    scope.post('/scope', async ({ auth, body }) => ({ subject: auth.subject, body }))
  })
  await app.ready()
  return app
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const get = (app: FastifyInstance, url: string, headers: Record<string, string> = {}) =>
  app.inject({ url, headers })

/** Asks until the answer comes from memory. */
const warm = (service: TestService, app: FastifyInstance, headers: Record<string, string>) =>
  until('an answer from memory', async () => {
    const commands = await commandsDuring(service.redis.client, () => get(app, '/', headers))
    return commands.evalsha === undefined
  })

t.test('a good token of every kind: who sends the request', async (t) => {
  const { service, app } = await start(t)
  for (const kind of kinds) {
    const before = Date.now()
    const { id, token } = await openSession(service, { kind, scopes: ['read'], life: '6 hours' })
    const { statusCode, body, headers } = await get(app, '/', bearer(token))
    t.equal(statusCode, 200, kind)
    const { expiresAt, ...auth } = JSON.parse(body)
    t.strictSame(auth, { subject: ada.uid, session: id, kind, roles: [], scopes: ['read'] })
    t.ok(Math.abs(expiresAt - before - 6 * 3_600_000) < 5_000, 'ms since the epoch')
    t.notOk('access-token' in headers, 'and no token')
    const posted = await app.inject({
      method: 'POST',
      url: '/scope',
      headers: bearer(token),
      payload: { a: 1 },
    })
    t.strictSame(posted.json(), { subject: ada.uid, body: { a: 1 } }, 'a whole scope')
  }
  const { headers } = await service.signIn()
  t.equal((await get(app, '/', headers)).statusCode, 200, "devise_token_auth's headers")
})

t.test('what is not good is refused with a challenge', async (t) => {
  const { service, app } = await start(t)
  const { token } = await openSession(service, { kind: 'fixed' })
  const other = await openSession(service, { kind: 'fixed' }, worker.uid)
  const foreign = createCountersigner(parseMasterKeys(generateMasterKeys()))
  const invalid = `${REALM}, error="invalid_token"`
  const table: [what: string, headers: Record<string, string>, challenge: string][] = [
    ['nothing', {}, REALM],
    ['text', bearer('undefined'), invalid],
    ['a token of another ring', bearer(foreign.mint(foreign.begin('AAA', 1), 1, 0)), invalid],
    ['a JWT of another issuer', bearer('eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.'), invalid],
    ['a password', { authorization: basic(ada.uid, ada.password) }, invalid],
    [
      'two tokens',
      { ...bearer(token), 'access-token': other.token },
      `${REALM}, error="invalid_request", error_description="One credential at a time"`,
    ],
  ]
  for (const [what, headers, challenge] of table)
    for (const url of ['/', '/rotate', '/service']) {
      const answer = await get(app, url, headers)
      t.match(answer, { statusCode: 401, headers: { 'cache-control': 'no-store' } }, what)
      t.equal(answer.headers['www-authenticate'], challenge, what)
      t.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
      t.match(answer.json(), { status: 401, title: 'Unauthorized' })
    }
})

t.test('a good token that is not enough is 403, and the challenge says what it takes', async (t) => {
  const { service, app } = await start(t)
  const some = await openSession(service, { kind: 'fixed', scopes: ['read'] })
  const all = await openSession(service, { kind: 'fixed', scopes: ['list', 'read', 'write'] })
  const refused = await get(app, '/read', bearer(some.token))
  t.equal(refused.statusCode, 403)
  t.equal(refused.headers['www-authenticate'], `${REALM}, error="insufficient_scope", scope="read list"`)
  t.equal((await get(app, '/read', bearer(all.token))).statusCode, 200)

  const byRole = await get(app, '/service', bearer(all.token))
  t.equal(byRole.statusCode, 403)
  t.equal(byRole.headers['www-authenticate'], `${REALM}, error="insufficient_scope"`)
  const ofWorker = await openSession(service, { kind: 'fixed' }, worker.uid)
  t.equal((await get(app, '/service', bearer(ofWorker.token))).statusCode, 200, 'one of the roles is enough')
})

t.test(
  'what was accepted a moment ago costs no command; a revocation by the service ends that',
  async (t) => {
    const { service, app } = await start(t)
    for (const kind of kinds) {
      const { id, token } = await openSession(service, { kind, life: '6 hours' })
      await warm(service, app, bearer(token))
      const url = `/accounts/${ada.uid}/sessions/${id}`
      const ended = await service.app.inject({ method: 'DELETE', url, headers: asWorker })
      t.equal(ended.statusCode, 204)
      const since = performance.now()
      await until('a refusal', async () => (await get(app, '/', bearer(token))).statusCode === 401)
      t.ok(performance.now() - since < SLACK_MS, `${kind}: ${Math.round(performance.now() - since)} ms`)
    }
    const { token } = await openSession(service, { kind: 'fixed' }, worker.uid)
    await warm(service, app, bearer(token))
    t.equal((await get(app, '/service', bearer(token))).statusCode, 200)
    await service.accounts.update(worker.uid, { roles: [] }, operator)
    await until('the role gone', async () => (await get(app, '/service', bearer(token))).statusCode === 403)
    await service.accounts.suspend(worker.uid, operator)
    await until('the suspension', async () => (await get(app, '/', bearer(token))).statusCode === 401)
  },
)

t.test('a route that rotates tells the next token, refused or not; others never do', async (t) => {
  const { service, app } = await start(t, { COUNTERSIGN_ROTATION: 'sequential' })
  const zofie = { uid: 'žofie', provider: 'local', password: 'a ship in port' }
  await service.addAccount(zofie)
  const { headers, handle, uid } = await service.signIn(zofie.uid, zofie.password)
  t.equal((await get(app, '/', headers)).headers['access-token'], undefined)
  const first = await get(app, '/rotate', headers)
  t.match(first, { statusCode: 200, headers: { client: handle, uid, 'cache-control': 'no-store' } })
  const next = { ...headers, 'access-token': String(first.headers['access-token']) }
  t.not(next['access-token'], headers['access-token'])
  const second = await get(app, '/rotate/admin', next)
  t.equal(second.statusCode, 403)
  const last = { ...headers, 'access-token': String(second.headers['access-token']) }
  t.equal((await get(app, '/', last)).statusCode, 200)
  service.secrets.guard(next['access-token'])
})

t.test('a theft that shows here ends the session everywhere, and is in the audit trail', async (t) => {
  const { service, app } = await start(t, { COUNTERSIGN_ROTATION: 'sequential' })
  const { headers, handle, token } = await service.signIn()
  const next = String((await get(app, '/rotate', headers)).headers['access-token'])
  t.equal((await get(app, '/', bearer(next))).statusCode, 200)
  t.equal((await get(app, '/', { ...bearer(token), 'user-agent': 'thief' })).statusCode, 401)
  const verified = await service.app.inject({ method: 'POST', url: '/token/verify', headers: bearer(next) })
  t.equal(verified.statusCode, 401)
  await until('the event', async () => {
    const trail = await service.app.inject({ url: '/events', headers: asWorker })
    return (
      trail.body.includes('session.replayed') && trail.body.includes('thief') && trail.body.includes(handle)
    )
  })
})

t.test('where a session is used here, its owner sees', async (t) => {
  const { service, app } = await start(t)
  const { id, token } = await openSession(service, { kind: 'fixed' })
  await get(app, '/', { ...bearer(token), 'user-agent': 'Firefox/128.0' })
  await until('the use', async () => {
    const url = `/accounts/${ada.uid}/sessions/${id}`
    const { body } = await service.app.inject({ url, headers: asWorker })
    return body.includes('Firefox/128.0')
  })
})

t.test('without Redis 503 and when to try again, whatever the app does with errors', async (t) => {
  const { redis, service, app } = await start(t)
  const { token } = await openSession(service, { kind: 'fixed' })
  await warm(service, app, bearer(token))
  await redis.kill()
  // Known or not, within the lease or not: an accept needs a live stream.
  await until('an outage', async () => (await get(app, '/', bearer(token))).statusCode === 503)
  const answer = await get(app, '/', bearer(token))
  t.match(answer, { statusCode: 503, headers: { 'retry-after': '1', 'cache-control': 'no-store' } })
  t.match(answer.json(), { status: 503, title: 'Service Unavailable' })
  const forged = await get(app, '/', bearer('cst_none'))
  t.equal(forged.statusCode, 401, 'what is none is refused as ever')
  await redis.restart()
  await until('recovery', async () => (await get(app, '/', bearer(token))).statusCode === 200)
})

t.test('request.auth where nothing was required throws: nobody is taken for somebody', async (t) => {
  const { service, app } = await start(t)
  const { token } = await openSession(service, { kind: 'fixed' })
  t.equal((await get(app, '/open', bearer(token))).statusCode, 418)
})

t.test('it writes no key ring, and leaves nothing behind when the app closes', async (t) => {
  const keys = generateMasterKeys()
  const { redis, app } = await start(t, { COUNTERSIGN_KEYS: keys })
  const ring = await redis.client.getBuffer('cs:key-ring')
  const env = { REDIS_URL: redis.url, COUNTERSIGN_ISSUER: issuer, COUNTERSIGN_JWT_ALG: 'ES256' }
  /** Two of each process: for its commands, and for what it hears. */
  const connections = (count: number) =>
    until(`${count} connections`, async () => {
      const list = String(await redis.client.client('LIST'))
      return list.split('\n').filter((line) => line.includes('name=countersign')).length === count
    })
  await connections(4)
  await t.rejects(
    startApp(t, { ...env, COUNTERSIGN_KEYS: generateMasterKeys() }),
    'with other keys it does not start',
  )
  await connections(4)
  const configuredOtherwise = await startApp(t, { ...env, COUNTERSIGN_KEYS: keys })
  await connections(6)
  t.strictSame(await redis.client.getBuffer('cs:key-ring'), ring)
  await configuredOtherwise.close()
  await app.close()
  await connections(2)
})

t.test('what is missing is named', async (t) => {
  const env = { PORT: 'nonsense of the app', LOG_LEVEL: 'its own', COUNTERSIGN_KEYS: generateMasterKeys() }
  await t.rejects(startApp(t, env), { message: /REDIS_URL, COUNTERSIGN_KEYS and COUNTERSIGN_ISSUER must be/ })
  await t.rejects(startApp(t, { ...env, COUNTERSIGN_ROTATION: 'sometimes' }), {
    message: /COUNTERSIGN_ROTATION must/,
  })
})
