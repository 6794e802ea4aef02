import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { StoreUnavailable } from '../../src/errors.js'
import { openHttp } from '../../src/http/http.js'
import { jwks } from '../../src/http/jwks.js'
import { createKeyRecords } from '../../src/store/key-records.js'
import { createJwts, type Jwts } from '../../src/token/jwt.js'
import type { JwtClaim } from '../../src/token/jwt-claims.js'
import { createKeyRing, type KeyRing } from '../../src/token/keyring.js'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'
import type { JwtAlgorithm } from '../../src/token/signing-keys.js'
import { startRedis } from '../support/redis.js'

const ISSUER = 'https://tokens.example'
const PATH = '/.well-known/jwks.json'
const DAY_MS = 86_400_000

async function serve(t: Test, keys: KeyRing['jwks'], maxAgeMs: number) {
  const app = await openHttp({
    log: pino({ level: 'silent' }),
    trustProxy: [],
    corsOrigins: [],
    issuer: ISSUER,
  })
  let requests = 0
  app.addHook('onRequest', async () => {
    requests++
  })
  await app.register(jwks({ keys, maxAgeMs }))
  t.teardown(() => app.close())
  return { app, fetches: () => requests }
}

/** Redis, the ring and the tokens for real, at a time of the test's choosing. */
async function service(t: Test, alg: JwtAlgorithm, secret?: Buffer) {
  const { client } = await startRedis(t)
  const clock = { nowMs: Date.now() }
  const ring = createKeyRing({
    records: createKeyRecords({ redis: client, pinnedNowMs: () => clock.nowMs }),
    master: parseMasterKeys(generateMasterKeys()),
    alg,
    secret,
    periodMs: 30 * DAY_MS,
    lifeMs: 365 * DAY_MS,
    jwksMaxAgeMs: 300_000,
  })
  t.teardown(() => ring.stop())
  await ring.start()
  const jwts: Jwts = createJwts({ keys: ring, issuer: ISSUER })
  return { clock, ring, jwts, ...(await serve(t, ring.jwks, 300_000)) }
}

const claimAt = (nowMs: number): JwtClaim => ({
  uid: 'admin',
  handle: 'tWkp81TxTcKZhJu6YV4m5g',
  description: 'Token specter',
  issuedAt: nowMs,
  expiresAt: nowMs + 90 * DAY_MS,
})

for (const alg of ['EdDSA', 'ES256', 'RS256'] as const)
  t.test(
    `jose verifies ${alg} offline, with nothing but the published keys, across a rotation`,
    async (t) => {
      const { clock, ring, jwts, app, fetches } = await service(t, alg)
      await app.listen({ host: '127.0.0.1', port: 0 })
      const { port } = app.server.address() as AddressInfo
      const getKey = createRemoteJWKSet(new URL(`http://127.0.0.1:${port}${PATH}`), { cooldownDuration: 0 })
      const verify = (token: string) =>
        jwtVerify(token, getKey, {
          issuer: ISSUER,
          subject: 'admin',
          typ: 'pat+jwt',
          algorithms: [alg],
          requiredClaims: ['exp', 'iat', 'jti'],
          currentDate: new Date(clock.nowMs),
        })

      const before = jwts.sign(claimAt(clock.nowMs))
      const { payload, protectedHeader } = await verify(before)
      t.strictSame(protectedHeader, { alg, typ: 'pat+jwt', kid: ring.signingKey().kid })
      t.match(payload, { username: 'admin', jwt_token_id: 'b56929f3-54f1-4dc2-9984-9bba615e26e6' })

      const { kid } = ring.signingKey()
      clock.nowMs += 30 * DAY_MS
      await ring.refresh()
      t.not(ring.signingKey().kid, kid)
      const after = jwts.sign(claimAt(clock.nowMs))
      t.equal((await verify(after)).protectedHeader.kid, ring.signingKey().kid)
      t.equal((await verify(before)).protectedHeader.kid, kid)
      t.equal(fetches(), 1, 'T19 the keys that were fetched before the rotation are enough after it')

      const [header, , signature] = after.split('.')
      const root = Buffer.from(JSON.stringify({ ...payload, sub: 'root' })).toString('base64url')
      await t.rejects(verify(`${header}.${root}.${signature}`), errors.JWSSignatureVerificationFailed)
      clock.nowMs += 91 * DAY_MS
      await t.rejects(verify(after), errors.JWTExpired)
    },
  )

t.test('what is published is public, typed, and may be cached', async (t) => {
  const { ring, app } = await service(t, 'ES256')
  const answer = await app.inject(PATH)
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['content-type'], 'application/jwk-set+json')
  t.equal(answer.headers['cache-control'], 'public, max-age=300')
  const { keys } = answer.json()
  t.strictSame(answer.json(), JSON.parse(JSON.stringify(ring.jwks())))
  t.equal(keys.length, 2, 'the key that signs, and the next')
  t.equal(keys[0].kid, ring.signingKey().kid)
  for (const key of keys) {
    t.strictSame(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'], 'no private member')
    t.match(key, { alg: 'ES256', use: 'sig' })
  }

  const head = await app.inject({ method: 'HEAD', url: PATH })
  t.equal(head.statusCode, 200)
  t.equal(head.headers['content-length'], answer.headers['content-length'])
  const post = await app.inject({ method: 'POST', url: PATH })
  t.equal(post.statusCode, 405)
  t.equal(post.headers.allow, 'GET, HEAD')
})

t.test('a rotation is published at once', async (t) => {
  const { clock, ring, app } = await service(t, 'EdDSA')
  const before = (await app.inject(PATH)).json()
  t.strictSame((await app.inject(PATH)).json(), before)
  clock.nowMs += 30 * DAY_MS
  await ring.refresh()
  const after = (await app.inject(PATH)).json()
  t.equal(after.keys.length, 3)
  t.equal(after.keys[0].kid, before.keys[1].kid)
  t.equal(after.keys[2].kid, before.keys[0].kid, 'the retired key is still there')
})

t.test('with HS256 nothing is published', async (t) => {
  const { app } = await service(t, 'HS256', Buffer.from('correct horse battery staple 0123456789'))
  t.strictSame((await app.inject(PATH)).json(), { keys: [] })
})

t.test('as long as the keys are unknown, that is what it says, and nobody caches it', async (t) => {
  const unknown = () => {
    throw new StoreUnavailable(new Error('not yet'))
  }
  const { app } = await serve(t, unknown, 300_000)
  const answer = await app.inject(PATH)
  t.equal(answer.statusCode, 503)
  t.equal(answer.headers['cache-control'], 'no-store')
  t.equal(answer.headers['retry-after'], '1')
  t.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
})
