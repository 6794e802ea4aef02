import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import t from 'tap'
import {
  generateSigningJwk,
  keyOfSecret,
  kidOf,
  parseJwtSecret,
  publicPartOf,
  signingKeyOf,
  verifyingKeyOf,
} from '../../src/token/signing-keys.js'

const publicMembers = {
  EdDSA: ['crv', 'kty', 'x'],
  ES256: ['crv', 'kty', 'x', 'y'],
  RS256: ['e', 'kty', 'n'],
}

for (const alg of ['EdDSA', 'ES256', 'RS256'] as const)
  t.test(`a key pair for ${alg}`, async (t) => {
    const jwk = await generateSigningJwk(alg)
    t.strictSame(Object.keys(publicPartOf(jwk)).sort(), publicMembers[alg], 'only public members are public')
    t.equal(kidOf(jwk), await calculateJwkThumbprint(publicPartOf(jwk)), 'named by its RFC 7638 thumbprint')
    t.equal(kidOf(jwk), kidOf(publicPartOf(jwk)))

    const signing = signingKeyOf(alg, jwk)
    const verifying = verifyingKeyOf(alg, jwk)
    t.strictSame(
      verifying,
      verifyingKeyOf(alg, publicPartOf(jwk)),
      'the public part alone is enough to verify',
    )
    t.strictSame(
      Object.keys(verifying.publicJwk ?? {}).sort(),
      [...publicMembers[alg], 'alg', 'kid', 'use'].sort(),
    )
    t.match(verifying.publicJwk, { alg, kid: signing.kid, use: 'sig' })

    const privateKey = createPrivateKey(String(signing.signsWith))
    const digest = alg === 'EdDSA' ? null : 'sha256'
    const signature = sign(digest, Buffer.from('text'), privateKey)
    t.ok(verify(digest, Buffer.from('text'), createPublicKey(String(verifying.verifiesWith)), signature))
    t.match(
      privateKey.asymmetricKeyDetails ?? {},
      {
        EdDSA: {},
        ES256: { namedCurve: 'prime256v1' },
        RS256: { modulusLength: 2048 },
      }[alg],
    )
  })

t.test('the key of RFC 8037 appendix A.3 has the thumbprint given there', async (t) => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
  t.equal(kidOf(jwk), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  t.throws(() => kidOf({ kty: 'oct', k: 'AAAA' }), 'a secret has no thumbprint')
})

t.test('secrets for HS256', async (t) => {
  const good = 'correct horse battery staple 0123456789'
  const key = keyOfSecret(parseJwtSecret(good))
  t.strictSame(key.signsWith, Buffer.from(good))
  t.match(key, { alg: 'HS256', kid: /^[\w-]{43}$/ })
  t.equal(key.publicJwk, undefined)
  t.equal(key.kid, keyOfSecret(Buffer.from(good)).kid, 'the same name on every instance')
  t.not(key.kid, keyOfSecret(Buffer.from(`${good}.`)).kid)

  const pem = String(verifyingKeyOf('ES256', await generateSigningJwk('ES256')).verifiesWith)
  const weak = {
    empty: '',
    'shorter than 256 bits': 'x1y2z3a4b5c6d7e8f9g0h1i2j3k4l5m',
    monotonous: 'abababababababababababababababababababab',
    'a public key': pem,
    'a public key with something in front': `  \n${pem}`,
    'a JWK': JSON.stringify(publicPartOf(await generateSigningJwk('RS256'))),
  }
  for (const [name, secret] of Object.entries(weak))
    t.throws(() => parseJwtSecret(secret), /JWT secret/, name)
  for (const secret of Object.values(weak).filter(Boolean)) {
    const message = String(t.throws(() => parseJwtSecret(secret)))
    t.notOk(message.includes(secret), 'the message does not tell it')
  }
})
