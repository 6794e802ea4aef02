/** The OAuth endpoints, clause by clause. */
import t from 'tap'
import { createCountersigner } from '../../src/token/countersign.js'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'
import { asAda, asWorker, basic, kinds, openSession, postForm, startOAuth, worker } from '../support/oauth.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/redis-groups.js'
import { commandsDuring } from '../support/redis-state.js'
import { ada, operator, type TestService } from '../support/service.js'

const introspect = (service: TestService, token: string, headers?: Record<string, string>) =>
  postForm(service, '/oauth2/introspect', { token }, headers)
const revoke = (service: TestService, token: string, headers?: Record<string, string>) =>
  postForm(service, '/oauth2/revoke', { token }, headers)
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const endpoints = ['/oauth2/introspect', '/oauth2/revoke'] as const

const service = await startOAuth(t, { env: { COUNTERSIGN_ISSUER: 'https://tokens.example' } })

t.test('RFC 7662 §2.1: a token is asked about by POST, in a form; nothing else is read', async (t) => {
  const { token } = await openSession(service, { kind: 'fixed' })
  const json = { ...asWorker, 'content-type': 'application/json' }
  const asJson = await postForm(service, '/oauth2/introspect', JSON.stringify({ token }), json)
  t.match(asJson, { status: 415, body: { error: 'invalid_request' } }, 'JSON')
  const url = `/oauth2/introspect?token=${token}`
  const inQuery = await service.app.inject({ method: 'POST', url, headers: asWorker })
  t.match(inQuery, { statusCode: 400 }, 'a token in the query is not there')
  t.match(inQuery.json(), { error: 'invalid_request' })
  t.notMatch(inQuery.body, token)
})

t.test('RFC 7662 §2.1: token is required, and parameters that are not known are ignored', async (t) => {
  for (const form of ['', 'token=', 'token_type_hint=access_token', 'Token=cst_none']) {
    const { status, body } = await postForm(service, '/oauth2/introspect', form)
    t.match({ status, body }, { status: 400, body: { error: 'invalid_request' } }, form)
  }
  const { token } = await openSession(service, { kind: 'fixed' })
  const { body } = await postForm(service, '/oauth2/introspect', { token, resource: 'https://a.example' })
  t.match(body, { active: true })
})

t.test('RFC 7662 §2.1: a wrong token_type_hint makes no difference', async (t) => {
  for (const kind of kinds) {
    const { token } = await openSession(service, { kind, ...(kind === 'jwt' && { life: '6 hours' }) })
    for (const token_type_hint of ['access_token', 'refresh_token', 'no such thing', '']) {
      const { body } = await postForm(service, '/oauth2/introspect', { token, token_type_hint })
      t.match(body, { active: true }, `${kind}: ${token_type_hint}`)
    }
  }
})

t.test('RFC 7662 §2.2: an active token of every kind, and what it means', async (t) => {
  for (const kind of kinds) {
    const nowSeconds = Date.now() / 1000
    const { id, token } = await openSession(service, { kind, scopes: ['read', 'write'], life: '6 hours' })
    const { status, body, headers } = await introspect(service, token)
    t.equal(status, 200)
    t.equal(headers['content-type'], 'application/json; charset=utf-8')
    const { iat, exp, ...rest } = body
    t.strictSame(rest, {
      active: true,
      sub: ada.uid,
      username: ada.uid,
      sid: id,
      token_type: 'Bearer',
      scope: 'read write',
      iss: 'https://tokens.example',
      kind,
      roles: [],
    })
    t.ok(Number.isInteger(iat) && Math.abs(iat - nowSeconds) < 5, `${kind}: iat ${iat}`)
    t.ok(Number.isInteger(exp) && Math.abs(exp - iat - 6 * 3600) <= 1, `${kind}: exp ${exp}`)
    t.strictSame((await introspect(service, token)).body, body, 'asking changes nothing')
  }
  const { token } = await openSession(service, { kind: 'fixed' }, worker.uid)
  const { body } = await introspect(service, token)
  t.match(body, { sub: worker.uid, roles: ['service'] })
  t.notOk('scope' in body, 'no scope rather than an empty one (RFC 6749 §3.3)')
})

t.test('RFC 7662 §2.2: a token that is not good is inactive, and not a word more', async (t) => {
  const zoe = { uid: 'zoe@example.com', provider: 'email', password: 'a ship in port' }
  const eve = { uid: 'eve@example.com', provider: 'email', password: 'a ship in port' }
  await service.addAccount(zoe)
  await service.addAccount(eve)
  const bad: Record<string, string> = {}
  for (const kind of kinds) {
    const open = (uid: string) => openSession(service, { kind, life: '6 hours' }, uid)
    const [ended, suspended, cutOff] = [await open(ada.uid), await open(zoe.uid), await open(eve.uid)]
    const url = `/accounts/${ada.uid}/sessions/${ended.id}`
    await service.app.inject({ method: 'DELETE', url, headers: asWorker })
    bad[`${kind}: ended`] = ended.token
    bad[`${kind}: its account is suspended`] = suspended.token
    bad[`${kind}: signed out everywhere`] = cutOff.token
    const { token } = await openSession(service, { kind, life: 0.05 })
    await until('its end', async () => !(await introspect(service, token)).body.active)
    bad[`${kind}: expired`] = token
  }
  await service.accounts.suspend(zoe.uid, operator)
  await service.accounts.signOutEverywhere(eve.uid, operator)

  const { token: fixed } = await openSession(service, { kind: 'fixed' })
  const { token: jwt } = await openSession(service, { kind: 'jwt' })
  const ours = createCountersigner(service.config.masterKeys)
  const foreign = createCountersigner(parseMasterKeys(generateMasterKeys()))
  const claim = ours.verify(fixed)
  if (typeof claim === 'string') throw new Error(claim)
  const [head, claims, signature] = jwt.split('.')
  const none = Buffer.from('{"alg":"none","typ":"pat+jwt"}').toString('base64url')
  Object.assign(bad, {
    'never opened': ours.mint(ours.begin(claim.tag, 1), 1, 0),
    'of another ring': foreign.mint(foreign.begin(claim.tag, 1), 1, 0),
    'a bit flipped': fixed.slice(0, -2) + (fixed.at(-2) === 'A' ? 'B' : 'A') + fixed.slice(-1),
    'another spelling': `${fixed}=`,
    'a JWT with another signature': `${head}.${claims}.${'A'.repeat(86)}`,
    'a JWT without algorithm': `${none}.${claims}.`,
    'a JWT with another payload': `${head}.${Buffer.from('{"sub":"admin"}').toString('base64url')}.${signature}`,
    'a Bearer header': `Bearer ${fixed}`,
    "devise's Bearer": Buffer.from(JSON.stringify({ 'access-token': fixed })).toString('base64'),
    'a password': ada.password,
    'a handle': claim.handle,
    text: 'undefined',
    space: ' ',
    'very much': 'a'.repeat(50_000),
    'no text': '\u0000\ufffd',
  })
  for (const [what, token] of Object.entries(bad)) {
    const { status, text, headers } = await introspect(service, token)
    t.strictSame([status, text], [200, '{"active":false}'], what)
    t.equal(headers['www-authenticate'], undefined, what)
  }
})

t.test('RFC 7662 §2.2: a token that was replaced, and whose successor was seen, is inactive', async (t) => {
  const env = { COUNTERSIGN_ROTATION: 'sequential', COUNTERSIGN_ON_REPLAY: 'reject' }
  const service = await startOAuth(t, { env })
  const { token, headers } = await service.signIn()
  const next = await service.app.inject({ url: '/auth/validate_token', headers })
  const successor = String(next.headers['access-token'])
  t.match((await introspect(service, successor)).body, { active: true })
  t.strictSame((await introspect(service, token)).body, { active: false })
})

t.test('RFC 7662 §2.2: who may not ask sees what it would see of a token that never was', async (t) => {
  for (const kind of kinds) {
    const { token } = await openSession(service, { kind, life: '6 hours' })
    for (const headers of [asAda, bearer(token)]) {
      let answer = { status: 0, text: '' }
      await introspect(service, 'cst_none', headers) // so that the caller is remembered
      const commands = await commandsDuring(service.redis.client, async () => {
        answer = await introspect(service, token, headers)
      })
      t.match(answer, { status: 200, text: '{"active":false}' }, kind)
      t.ok((commands.evalsha ?? 0) <= 1, 'the token is not looked at')
    }
  }
})

t.test('RFC 7662 §4: GET is refused, lest tokens end up in logs', async (t) => {
  for (const url of endpoints)
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const) {
      const answer = await service.app.inject({ method, url: `${url}?token=cst_none`, headers: asWorker })
      t.match(answer, { statusCode: 405, headers: { allow: 'POST' } }, `${method} ${url}`)
    }
})

t.test('RFC 7662 §4: nothing is to be kept by a cache', async (t) => {
  for (const token of ['cst_none', (await openSession(service, { kind: 'fixed' })).token])
    t.match((await introspect(service, token)).headers, { 'cache-control': 'no-store' })
})

t.test('RFC 7662 §2.1, RFC 7009 §2.1: the caller is authenticated before a token is looked at', async (t) => {
  const { token } = await openSession(service, { kind: 'fixed' })
  const callers: [what: string, headers: Record<string, string>][] = [
    ['nobody', {}],
    ['a wrong password', { authorization: basic(worker.uid, 'wrong') }],
    ['no such account', { authorization: basic('nobody', worker.password) }],
    ['what is no Basic', { authorization: 'Basic !' }],
    ['another scheme', { authorization: 'Digest username="worker"' }],
  ]
  for (const url of endpoints)
    for (const [what, headers] of callers) {
      const answer = await postForm(service, url, { token }, headers)
      t.match(answer, { status: 401, body: { error: 'invalid_client' } }, what)
      const [asBasic, asBearer] = [answer.headers['www-authenticate']].flat()
      t.equal(asBasic, 'Basic realm="Countersign", charset="UTF-8"', `${what}: RFC 6749 §5.2`)
      t.equal(asBearer, 'Bearer realm="Countersign"', what)
      t.notMatch(answer.text, token)
    }
  t.match((await introspect(service, token)).body, { active: true }, 'and it lives')
})

t.test('RFC 7662 §2.3: a Bearer that authorises nothing is refused as RFC 6750 has it', async (t) => {
  const { token } = await openSession(service, { kind: 'fixed' })
  const foreign = createCountersigner(parseMasterKeys(generateMasterKeys()))
  for (const url of endpoints)
    for (const value of [foreign.mint(foreign.begin('AAA', 1), 1, 0), 'undefined', 'a.b.c']) {
      const answer = await postForm(service, url, { token }, bearer(value))
      t.match(answer, { status: 401, body: { error: 'invalid_token' } }, value)
      t.equal(answer.headers['www-authenticate'], 'Bearer realm="Countersign", error="invalid_token"', value)
    }
})

t.test('RFC 6749 §2.3: one way to authenticate at a time', async (t) => {
  const { token } = await openSession(service, { kind: 'fixed' })
  const posted = { token, client_id: worker.uid, client_secret: worker.password }
  for (const url of endpoints) {
    const both = await postForm(service, url, posted)
    t.match(both, { status: 400, body: { error: 'invalid_request' } }, url)
    const withBearer = await postForm(service, url, posted, bearer(token))
    t.match(withBearer, { status: 400, body: { error: 'invalid_request' } }, url)
  }
  const { body } = await postForm(service, '/oauth2/introspect', { token, client_id: worker.uid })
  t.match(body, { active: true }, 'a client_id alone is none')
})

t.test('RFC 6749 §2.3.1: by Basic with form-encoded parts, and in the form', async (t) => {
  const odd = { uid: 'wörker two', provider: 'local', password: 'p+s %41&=:ß', roles: ['service'] } as const
  await service.addAccount(odd)
  const { token } = await openSession(service, { kind: 'fixed' })
  const encoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  const ways: [what: string, form: Record<string, string>, headers: Record<string, string>][] = [
    ['client_secret_basic', {}, { authorization: basic(encoded(odd.uid), encoded(odd.password)) }],
    [
      'the same by encodeURIComponent',
      {},
      { authorization: basic(encodeURIComponent(odd.uid), encodeURIComponent(odd.password)) },
    ],
    ['as curl -u sends it', {}, { authorization: basic(odd.uid, odd.password) }],
    ['client_secret_post', { client_id: odd.uid, client_secret: odd.password }, {}],
  ]
  for (const [what, form, headers] of ways) {
    const { body } = await postForm(service, '/oauth2/introspect', { token, ...form }, headers)
    t.match(body, { active: true }, what)
  }
})

t.test('RFC 6749 §3.2: no parameter stands twice; none is repeated in the answer', async (t) => {
  const { token } = await openSession(service, { kind: 'fixed' })
  const forms = [
    `token=${token}&token=cst_none`,
    `token=${token}&token=${token}`,
    `token=${token}&token_type_hint=a&token_type_hint=b`,
    `token=${token}&x=1&x=2`,
    `${token}&${token}`,
  ]
  for (const url of endpoints)
    for (const form of forms) {
      const { status, body, text } = await postForm(service, url, form)
      t.match({ status, body }, { status: 400, body: { error: 'invalid_request' } }, form)
      t.notMatch(text, token)
    }
  t.match((await introspect(service, token)).body, { active: true }, 'it lives')
})

t.test('RFC 6749 §5.2: an error description has no character that it may not have', async (t) => {
  const bodies: [form: string, type?: string][] = [['"\\"=1&"\\"=2'], ['{"a":', 'application/json'], ['']]
  for (const [form, type = 'application/x-www-form-urlencoded'] of bodies) {
    const { body } = await postForm(service, '/oauth2/introspect', form, {
      ...asWorker,
      'content-type': type,
    })
    t.match(body.error_description, /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
  }
})

t.test('RFC 7009 §2.1: a token of every kind is revoked, and refused at once', async (t) => {
  for (const kind of kinds)
    for (const token_type_hint of ['access_token', 'refresh_token', 'no such thing']) {
      const { id, token } = await openSession(service, { kind, life: '6 hours' })
      t.match((await introspect(service, token)).body, { active: true })
      const answer = await postForm(service, '/oauth2/revoke', { token, token_type_hint })
      t.match(answer, { status: 200, headers: { 'cache-control': 'no-store' } }, kind)
      t.strictSame((await introspect(service, token)).body, { active: false }, kind)
      const used = await service.app.inject({ method: 'POST', url: '/token/verify', headers: bearer(token) })
      t.equal(used.statusCode, 401, kind)
      const url = `/accounts/${ada.uid}/sessions/${id}`
      t.equal((await service.app.inject({ url, headers: asWorker })).statusCode, 404, 'its session is over')
    }
})

t.test('RFC 7009 §2.1: whoever holds an older token ends what it belongs to', async (t) => {
  const { token, headers } = await service.signIn()
  const next = await service.app.inject({ url: '/auth/validate_token', headers })
  const successor = String(next.headers['access-token'])
  t.not(successor, token)
  t.equal((await revoke(service, token)).status, 200)
  t.strictSame((await introspect(service, successor)).body, { active: false })
})

t.test("RFC 7009 §2.1: others' tokens are not revoked, and nothing is told of them", async (t) => {
  for (const kind of kinds) {
    const mine = await openSession(service, { kind, life: '6 hours' })
    const other = await openSession(service, { kind, life: '6 hours' }, worker.uid)
    for (const headers of [asAda, bearer(mine.token)]) {
      const others = await revoke(service, other.token, headers)
      t.strictSame(others.text, (await revoke(service, 'cst_none', headers)).text, kind)
      t.match((await introspect(service, other.token)).body, { active: true }, kind)
    }
    t.equal((await revoke(service, mine.token, bearer(mine.token))).status, 200)
    t.strictSame((await introspect(service, mine.token)).body, { active: false }, `${kind}: one's own`)
  }
})

t.test('RFC 7009 §2.2: what is no token, or none any more, is revoked already', async (t) => {
  const { token } = await openSession(service, { kind: 'jwt' })
  for (const value of [token, token, 'cst_none', 'undefined', 'a.b.c', `${token}A`, ' '])
    t.match(await revoke(service, value), { status: 200, text: '{}' }, value)
})

t.test('RFC 7009 §2.2.1: a request without a token is an error', async (t) => {
  for (const form of ['', 'token=', 'token_type_hint=access_token']) {
    const { status, body } = await postForm(service, '/oauth2/revoke', form)
    t.match({ status, body }, { status: 400, body: { error: 'invalid_request' } }, form)
  }
})

t.test(
  'RFC 7009 §2.2.1: without Redis 503 and when to try again, never "revoked" or "inactive"',
  async (t) => {
    const redis = await startRedis(t)
    const service = await startOAuth(t, { redis })
    const { token } = await openSession(service, { kind: 'fixed' })
    const caller = await openSession(service, { kind: 'fixed' }, worker.uid)
    const headers = bearer(caller.token)
    t.match((await introspect(service, 'cst_none', headers)).body, { active: false })
    await redis.kill()
    await until('an outage', async () => (await introspect(service, token, headers)).status === 503)
    for (const url of endpoints) {
      const answer = await postForm(service, url, { token }, headers)
      t.match(answer, { status: 503, body: { error: 'temporarily_unavailable' } }, url)
      t.match(answer.headers['retry-after'], /^\d+$/, url)
    }
    await redis.restart()
    await until('recovery', async () => (await introspect(service, token, headers)).body.active === true)
  },
)

t.test('RFC 8414 §2, §3.2: what there is, and nothing that there is not', async (t) => {
  const answer = await service.app.inject('/.well-known/oauth-authorization-server')
  t.match(answer.headers['content-type'], /^application\/json/)
  const methods = ['client_secret_basic', 'client_secret_post']
  t.strictSame(answer.json(), {
    issuer: 'https://tokens.example',
    jwks_uri: 'https://tokens.example/.well-known/jwks.json',
    introspection_endpoint: 'https://tokens.example/oauth2/introspect',
    introspection_endpoint_auth_methods_supported: [...methods, 'Bearer'],
    revocation_endpoint: 'https://tokens.example/oauth2/revoke',
    revocation_endpoint_auth_methods_supported: methods,
    response_types_supported: [],
    grant_types_supported: [],
    service_documentation: 'https://tokens.example/docs',
  })
})

t.test('RFC 8414 §3.1: the path of an issuer follows the well-known one', async (t) => {
  const service = await startOAuth(t, { env: { COUNTERSIGN_ISSUER: 'https://tokens.example/auth-server/' } })
  for (const url of [
    '/.well-known/oauth-authorization-server/auth-server',
    '/.well-known/oauth-authorization-server',
  ])
    t.match((await service.app.inject(url)).json(), {
      issuer: 'https://tokens.example/auth-server/',
      introspection_endpoint: 'https://tokens.example/auth-server/oauth2/introspect',
    })
})
