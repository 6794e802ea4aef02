/** What transcripts cannot say of the Specter dialect: time, outages, algorithms, several instances. */
import { setTimeout as delay } from 'node:timers/promises'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import { placeOf, sessionKey } from '../../src/store/keys.js'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { ada, startService, type TestService } from '../support/service.js'

const basic = `Basic ${Buffer.from(`${ada.uid}:${ada.password}`).toString('base64')}`
const headers = { authorization: basic }
const url = '/v1alpha/token'

async function start(t: Test, env: Record<string, string> = {}): Promise<TestService> {
  const service = await startService(t, { env })
  await service.addAccount()
  return service
}

const create = ({ app }: TestService, description: unknown, life: unknown) =>
  app.inject({
    method: 'POST',
    url,
    headers,
    payload: { jwt_token_description: description, jwt_token_life: life },
  })

const verify = async ({ app }: TestService, jwt: string) =>
  (await app.inject({ method: 'POST', url: '/token/verify', headers: { authorization: `Bearer ${jwt}` } }))
    .statusCode

t.test('lives, as people write them', async (t) => {
  const service = await start(t)
  const accepted: [life: string | number, seconds: number][] = [
    ['6 hours', 21_600],
    ['30 minutes', 1_800],
    ['1 day', 86_400],
    ['1 week', 604_800],
    ['1h30m', 5_400],
    ['1 hr, 30 min', 5_400],
    ['1 hour/30 min', 5_400],
    ['1w2d', 777_600],
    ['1:30', 90],
    ['1:02:03', 3_723],
    ['2:01:02:03', 176_523],
    [':22', 22],
    ['1.5 hours', 5_400],
    ['1.5 seconds', 1.5],
    ['5 m', 300],
    ['1HOUR', 3_600],
    ['+1 hour', 3_600],
    ['3600', 3_600],
    [3_600, 3_600],
    [0.5, 0.5],
  ]
  for (const [life, seconds] of accepted) {
    const { statusCode, body } = await create(service, `Token ${typeof life} ${life}`, life)
    t.equal(statusCode, 201, `${life}: ${body}`)
    t.equal(JSON.parse(body).jwt_token_life, seconds, String(life))
  }
  const refused = ['1 month', '1 year', '1 hour and 30 minutes', 'six hours', '2d1w', '', '  ', '1.2.3 h']
  for (const life of [...refused, '9999999999 weeks', '-1 hour', '0s', 0, -1, 1e99, null, true, {}, []]) {
    const { statusCode, body } = await create(service, 'Token refused', life)
    t.equal(statusCode, 400, `${JSON.stringify(life)}: ${body}`)
    t.match(JSON.parse(body).message, /^jwt_token_life must be/)
  }
})

t.test('an expired token can be seen for a day, holds no description back, and opens nothing', async (t) => {
  const service = await start(t)
  const { jwt_token_id: id, jwt_token: jwt } = (await create(service, 'Token alpha', 0.3)).json()
  t.equal((await create(service, 'Token alpha', '1 day')).statusCode, 400, 'it lives')
  await delay(350)
  t.equal(await verify(service, jwt), 401)

  const one = await service.app.inject({ url: `${url}/${id}`, headers })
  t.strictSame(one.json(), {
    message: 'Tokens exists',
    jwt_token_description: 'Token alpha',
    jwt_token_life: 0.3,
    jwt_token_life_remaining: 0,
    expiry_status: 'Expired',
  })
  const next = (await create(service, 'Token alpha', '1 day')).json()
  t.match(next, { message: 'Token generated' })
  const { jwt_tokens: listed } = (await service.app.inject({ url, headers })).json()
  t.strictSame(Object.keys(listed).sort(), [id, next.jwt_token_id].sort())
  t.strictSame(listed[id], {
    jwt_token_description: 'Token alpha',
    jwt_token_life: 0.3,
    jwt_token_remaining_life: 0,
  })

  const handle = Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url')
  const goesInMs = await service.redis.client.pttl(sessionKey(placeOf(ada.uid).tag, handle))
  t.ok(goesInMs > 86_000_000 && goesInMs <= 86_400_000, `it goes in ${goesInMs} ms`)
  const deleted = await service.app.inject({ method: 'DELETE', url: `${url}/${id}`, headers })
  t.strictSame(deleted.json(), { message: 'Token deleted' })
  t.equal((await service.app.inject({ url: `${url}/${id}`, headers })).statusCode, 404)
})

t.test('while Redis is away nobody is told that the password is wrong', async (t) => {
  const service = await start(t)
  const { jwt_token: jwt } = (await create(service, 'Token alpha', '1 day')).json()
  await service.redis.kill()
  for (const answer of [
    await service.app.inject({ url, headers }),
    await create(service, 'Token beta', '1 day'),
  ]) {
    t.equal(answer.statusCode, 503)
    t.equal(answer.headers['retry-after'], '1')
    t.notOk('www-authenticate' in answer.headers)
    t.strictSame(answer.json(), { message: 'The session store is not available. Try again.' })
  }
  t.equal(await verify(service, jwt), 503)
  t.equal((await service.app.inject({ url })).statusCode, 401, 'no credential needs no Redis')
  await service.redis.restart()
})

t.test('a deleted token is refused at once, everywhere', async (t) => {
  const env = { COUNTERSIGN_KEYS: generateMasterKeys(), COUNTERSIGN_ISSUER: 'https://tokens.example' }
  const one = await start(t, env)
  const other = await startService(t, { redis: one.redis, env })
  const { jwt_token: jwt, jwt_token_id: id } = (await create(one, 'Token alpha', '1 day')).json()
  t.equal(await verify(other, jwt), 200, 'the instances share their keys')
  t.equal((await one.app.inject({ method: 'DELETE', url: `${url}/${id}`, headers })).statusCode, 200)
  const deletedAt = Date.now()
  t.equal(await verify(one, jwt), 401)
  while ((await verify(other, jwt)) !== 401 && Date.now() - deletedAt < 5_000) await delay(1)
  t.ok(Date.now() - deletedAt < 1_000, `by another instance within ${Date.now() - deletedAt} ms`)
})

t.test('with its account goes every JWT', async (t) => {
  for (const end of ['suspend', 'signOutEverywhere', 'remove'] as const) {
    const service = await start(t)
    const { jwt_token: jwt } = (await create(service, 'Token alpha', '1 day')).json()
    t.equal(await verify(service, jwt), 200)
    await service.accounts[end](ada.uid, { uid: undefined, ip: '::1', userAgent: '' })
    t.equal(await verify(service, jwt), end === 'suspend' ? 403 : 401, end)
  }
})

const secret = 'correct horse battery staple 0123456789'
for (const alg of ['EdDSA', 'ES256', 'RS256', 'HS256'])
  t.test(`signed with ${alg}`, async (t) => {
    const service = await start(t, {
      COUNTERSIGN_JWT_ALG: alg,
      ...(alg === 'HS256' && { COUNTERSIGN_JWT_SECRET: secret }),
    })
    const made = (await create(service, 'Token specter', '6 hours')).json()
    const { kid, ...header } = decodeProtectedHeader(made.jwt_token)
    t.strictSame(header, { alg, typ: 'pat+jwt' })
    const { keys } = (await service.app.inject('/.well-known/jwks.json')).json()
    t.equal(keys[0]?.kid, alg === 'HS256' ? undefined : kid)
    if (alg === 'HS256') {
      const { payload } = await jwtVerify(made.jwt_token, Buffer.from(secret), { algorithms: ['HS256'] })
      t.match(payload, { username: ada.uid, jwt_token_id: made.jwt_token_id })
    }
    t.equal(await verify(service, made.jwt_token), 200)
    t.equal(await verify(service, `${made.jwt_token.slice(0, -6)}AAAAAA`), 401)
  })

t.test('the longest description and the longest name still fit a token', async (t) => {
  const uid = '字'.repeat(255)
  const service = await startService(t, { env: { COUNTERSIGN_JWT_ALG: 'RS256' } })
  await service.addAccount({ ...ada, uid })
  const authorization = `Basic ${Buffer.from(`${uid}:${ada.password}`).toString('base64')}`
  const payload = { jwt_token_description: '👩'.repeat(200), jwt_token_life: '1 day' }
  const made = await service.app.inject({ method: 'POST', url, headers: { authorization }, payload })
  t.equal(made.statusCode, 201, made.body)
  t.equal(await verify(service, made.json().jwt_token), 200)
})
