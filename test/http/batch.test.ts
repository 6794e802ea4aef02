/** `POST /verify`: a verdict for each of many tokens, in one round trip to Redis. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createCountersigner } from '../../src/token/countersign.js'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'
import { asAda, asWorker, basic, type Opened, openSession, startOAuth, worker } from '../support/oauth.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/redis-groups.js'
import { startRedisProxy } from '../support/redis-proxy.js'
import { commandsDuring } from '../support/redis-state.js'
import { ada, operator, type TestService } from '../support/service.js'

/** Uses of sessions are written after the fact, so often. */
const NOTED_EVERY_MS = 1_000

async function verify({ app }: TestService, tokens: unknown, headers: object = asWorker) {
  const answer = await app.inject({
    method: 'POST',
    url: '/verify',
    headers: { ...headers },
    payload: { tokens },
  })
  return { status: answer.statusCode, ...answer.json(), headers: answer.headers }
}

t.test('a verdict for each token, in their order', async (t) => {
  const service = await startOAuth(t)
  const { app, accounts } = service
  const zoe = { uid: 'zoe@example.com', provider: 'email', password: 'a ship in port' }
  await service.addAccount(zoe)

  const rotating = await openSession(service, { scopes: ['read', 'write'] })
  const fixed = await openSession(service, { kind: 'fixed' })
  const jwt = await openSession(service, { kind: 'jwt', life: '6 hours' }, worker.uid)
  const ended = await openSession(service, {})
  await app.inject({ method: 'DELETE', url: `/accounts/${ada.uid}/sessions/${ended.id}`, headers: asWorker })
  const suspended = await openSession(service, {}, zoe.uid)
  await accounts.suspend(zoe.uid, operator)
  const ours = createCountersigner(service.config.masterKeys)
  const foreign = createCountersigner(parseMasterKeys(generateMasterKeys()))
  const claim = ours.verify(fixed.token)
  if (typeof claim === 'string') throw new Error(claim)
  const asDevise = Buffer.from(JSON.stringify({ 'access-token': fixed.token })).toString('base64')
  const [head, claims] = jwt.token.split('.')

  const table: [what: string, token: string, verdict: object][] = [
    [
      'a rotating one',
      rotating.token,
      { active: true, sub: ada.uid, session: rotating.id, kind: 'rotating', scopes: ['read', 'write'] },
    ],
    [
      'a fixed one',
      fixed.token,
      { active: true, sub: ada.uid, session: fixed.id, kind: 'fixed', scopes: [] },
    ],
    ['a JWT', jwt.token, { active: true, sub: 'worker', session: jwt.id, kind: 'jwt', roles: ['service'] }],
    ['the same again', fixed.token, { active: true, session: fixed.id }],
    ['one of an ended session', ended.token, { active: false, code: 'revoked' }],
    ['one of a suspended account', suspended.token, { active: false, code: 'suspended' }],
    [
      'one that was never opened',
      ours.mint(ours.begin(claim.tag, 1), 1, 0),
      { active: false, code: 'unknown' },
    ],
    [
      'one of another ring',
      foreign.mint(foreign.begin(claim.tag, 1), 1, 0),
      { active: false, code: 'forged' },
    ],
    ['another spelling of the right bytes', `${fixed.token}=`, { active: false, code: 'malformed' }],
    [
      'a JWT with another signature',
      `${head}.${claims}.${'A'.repeat(86)}`,
      { active: false, code: 'forged' },
    ],
    ['a JWT without one', `${head}.${claims}.`, { active: false, code: 'malformed' }],
    ["devise's Bearer", asDevise, { active: false, code: 'malformed' }],
    ['nothing', '', { active: false, code: 'malformed' }],
    ['text', 'undefined', { active: false, code: 'malformed' }],
    ['far too much', `cst_${'A'.repeat(100_000)}`, { active: false, code: 'malformed' }],
    ['what is no text', '\u0000\ud800', { active: false, code: 'malformed' }],
  ]
  const { status, verdicts } = await verify(
    service,
    table.map(([, token]) => token),
  )
  t.equal(status, 200)
  for (const [i, [what, , verdict]] of table.entries()) {
    t.match(verdicts[i], verdict, what)
    if (!verdicts[i].active) t.strictSame(Object.keys(verdicts[i]), ['active', 'code'], 'and no word more')
  }
  t.strictSame(verdicts[0].expiresAt, Math.floor(verdicts[0].expiresAt), 'whole seconds')
})

t.test('verifying is no use of a session, and rotates nothing', async (t) => {
  const service = await startOAuth(t, { env: { COUNTERSIGN_ROTATE_AFTER: '0', COUNTERSIGN_LEEWAY: '0' } })
  const { token, handle, headers } = await service.signIn()
  for (let i = 0; i < 3; i++) t.match((await verify(service, [token])).verdicts, [{ active: true }])
  const [listed] = await service.app
    .inject({ url: `/accounts/${ada.uid}/sessions`, headers: asWorker })
    .then((answer) => answer.json())
  t.match(listed, { id: handle, userAgent: 'lightMyRequest' }, 'last used where it was signed in')
  const rotated = await service.app.inject({ url: '/auth/validate_token', headers })
  t.equal(rotated.statusCode, 200)
  t.not(rotated.headers['access-token'], token)
})

t.test('256 sessions of as many accounts: one round trip, then none', async (t) => {
  const redis = await startRedis(t)
  const proxy = await startRedisProxy(t, redis)
  const service = await startOAuth(t, { redis: { ...redis, url: proxy.url } })
  const sessions: Opened[] = []
  for (let i = 0; i < 256; i++)
    sessions.push(await openSession(service, { kind: 'fixed', create: { provider: 'oidc' } }, `user-${i}`))
  const tokens = sessions.map(({ token }) => token)
  const caller = await openSession(service, { kind: 'fixed' }, worker.uid)
  const headers = { authorization: `Bearer ${caller.token}` }
  const forged = 'cst_none'
  await until('the caller is remembered', async () => {
    return (
      (await commandsDuring(redis.client, () => verify(service, [forged], headers))).evalsha === undefined
    )
  })

  await until('all uses are noted', async () => {
    return (await commandsDuring(redis.client, () => delay(NOTED_EVERY_MS + 100))).evalsha === undefined
  })

  let calls = 0
  let withheld = true
  proxy.holdReplies((sent) => {
    calls = sent.match(/evalsha/gi)?.length ?? 0
    withheld = !sessions.every(({ id }) => sent.includes(id))
    return !withheld
  })
  const commands = await commandsDuring(redis.client, async () => {
    const { status, verdicts } = await verify(service, tokens, headers)
    t.equal(status, 200)
    t.strictSame(
      verdicts.map((verdict: { session: string }) => verdict.session),
      sessions.map(({ id }) => id),
    )
  })
  t.notOk(withheld, 'all was asked before anything was answered')
  const ofNotes = 1 // that of the caller's use may fall in between
  t.ok(calls <= 4 + ofNotes, `${calls} script calls`)
  t.ok((commands.evalsha ?? 0) - calls <= ofNotes, 'and nothing after')

  const again = await commandsDuring(redis.client, async () => {
    t.equal((await verify(service, tokens, headers)).verdicts.length, 256)
  })
  t.ok((again.evalsha ?? 0) <= ofNotes, 'what was accepted a moment ago costs nothing')
})

t.test('256 of the longest tokens fit', async (t) => {
  const service = await startOAuth(t)
  const tokens = Array.from({ length: 256 }, () => randomBytes(3072).toString('base64'))
  const { status, verdicts } = await verify(service, tokens)
  t.equal(status, 200)
  t.strictSame(
    verdicts,
    tokens.map(() => ({ active: false, code: 'malformed' })),
  )
})

t.test('bad input', async (t) => {
  const { app } = await startOAuth(t)
  const json = { 'content-type': 'application/json' }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const token = 'cst_none'
  const table: [what: string, type: object, body: string, status: number, detail: string][] = [
    ['no body', {}, '', 400, 'the request must be an object.'],
    ['no JSON', json, '{"tokens":', 400, 'The request body is not valid JSON.'],
    ['a list', json, '["a"]', 400, 'The request body must be a JSON object.'],
    ['null', json, 'null', 400, 'The request body must be a JSON object.'],
    ['nothing in it', json, '{}', 400, 'tokens must be given.'],
    ['one token', json, '{"tokens":"a"}', 400, 'tokens must be an array.'],
    ['null for tokens', json, '{"tokens":null}', 400, 'tokens must be an array.'],
    ['no token', json, '{"tokens":[]}', 400, 'tokens must not have fewer than 1 items.'],
    [
      '257 tokens',
      json,
      JSON.stringify({ tokens: Array(257).fill(token) }),
      400,
      'tokens must not have more than 256 items.',
    ],
    ['a number among them', json, '{"tokens":["a",7]}', 400, 'tokens.1 must be a string.'],
    ['null among them', json, '{"tokens":[null]}', 400, 'tokens.0 must be a string.'],
    ['something else beside', json, '{"tokens":["a"],"mode":"rotate"}', 400, 'mode is not known here.'],
    [
      'a poisoned object',
      json,
      '{"tokens":["a"],"__proto__":{}}',
      400,
      'The request body is not valid JSON.',
    ],
    ['a form', form, 'tokens=a', 400, 'tokens must be an array.'],
    ['text', { 'content-type': 'text/plain' }, 'a', 415, 'Bodies of this Content-Type are not read here.'],
    [
      'too much',
      json,
      JSON.stringify({ tokens: ['a'.repeat(1_100_000)] }),
      413,
      'The request body is too large.',
    ],
  ]
  for (const [what, type, payload, status, detail] of table) {
    const answer = await app.inject({
      method: 'POST',
      url: '/verify',
      headers: { ...asWorker, ...type },
      payload,
    })
    t.match(answer.json(), { status, detail }, what)
    t.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8', what)
  }
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE'] as const) {
    const answer = await app.inject({ method, url: '/verify', headers: asWorker })
    t.match(answer, { statusCode: 405, headers: { allow: 'POST' } }, method)
  }
})

t.test('who may not ask learns nothing of a token', async (t) => {
  const service = await startOAuth(t)
  const { token } = await service.signIn()
  const bearer = (value: string) => ({ authorization: `Bearer ${value}` })
  const noBasic = 'Basic realm="Countersign", charset="UTF-8"'
  const table: [what: string, headers: object, status: number, challenge: RegExp | undefined][] = [
    ['nobody', {}, 401, /^Bearer realm="Countersign"$/],
    ['a wrong password', { authorization: basic(worker.uid, 'wrong') }, 401, /error="invalid_token"$/],
    ['a wrong token', bearer(`${token}A`), 401, /error="invalid_token"$/],
    ['an account without a role', asAda, 403, undefined],
    ['a session without a role', bearer(token), 403, undefined],
  ]
  for (const [what, headers, status, challenge] of table) {
    const answer = await verify(service, [token], headers)
    t.match(answer, { status, verdicts: undefined }, what)
    if (challenge === undefined) continue
    const [asBearer, asBasic] = [answer.headers['www-authenticate']].flat()
    t.match(asBearer, challenge, what)
    t.equal(asBasic, noBasic, what)
  }
})

t.test('without Redis nothing is said of any token', async (t) => {
  const service = await startOAuth(t)
  const { token } = await service.signIn()
  t.equal((await verify(service, [token])).status, 200)
  await service.redis.kill()
  await until('an outage', async () => (await verify(service, [token, 'cst_none'])).status === 503)
  const answer = await verify(service, [token, 'cst_none'])
  t.match(answer, { status: 503, headers: { 'retry-after': '1' }, verdicts: undefined })
  await service.redis.restart()
  await until('recovery', async () => (await verify(service, [token])).status === 200)
})
