import { constants, createHmac, createPrivateKey, sign as signBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { handleOfUuid, uuidOfHandle } from '../../src/session.js'
import { createJwts, type Jwts, LONGEST_JWT } from '../../src/token/jwt.js'
import type { JwtClaim } from '../../src/token/jwt-claims.js'
import {
  generateSigningJwk,
  type JwtAlgorithm,
  jwtAlgorithms,
  keyOfSecret,
  type SigningKey,
  signingKeyOf,
  type VerifyingKey,
  verifyingKeyOf,
} from '../../src/token/signing-keys.js'

const ISSUER = 'http://127.0.0.1:7171'
const NOW = Date.UTC(2030, 0)
const HOUR_MS = 3_600_000

const claim: JwtClaim = {
  uid: 'admin',
  handle: 'tWkp81TxTcKZhJu6YV4m5g',
  description: 'Token specter',
  issuedAt: NOW,
  expiresAt: NOW + HOUR_MS,
}

interface Key {
  signing: SigningKey
  verifying: VerifyingKey
}

async function makeKey(alg: JwtAlgorithm): Promise<Key> {
  if (alg === 'HS256') {
    const key = keyOfSecret(Buffer.from('correct horse battery staple 0123456789'))
    return { signing: key, verifying: key }
  }
  const jwk = await generateSigningJwk(alg)
  return { signing: signingKeyOf(alg, jwk), verifying: verifyingKeyOf(alg, jwk) }
}

const keyOf = Object.fromEntries(
  await Promise.all(jwtAlgorithms.map(async (alg) => [alg, await makeKey(alg)] as const)),
) as Record<JwtAlgorithm, Key>

/** The ring as `jwt.ts` sees it: all the keys verify, the first one signs; and it counts how often it is sought. */
function ringOf(...keys: Key[]) {
  const ring = {
    nowMs: NOW,
    sought: [] as string[],
    keys: new Map(keys.map(({ verifying }) => [verifying.kid, verifying])),
    signingKey: () => (keys[0] as Key).signing,
    verifyingKey: (kid: string) => ring.keys.get(kid),
    seekVerifyingKey: async (kid: string) => {
      ring.sought.push(kid)
      return ring.keys.get(kid)
    },
    now: () => ring.nowMs,
  }
  return ring
}

const b64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Signs whatever text it is given: what somebody could do who has the key, and what `sign` would never do. */
function forge({ signing: { alg, signsWith } }: Key, header: unknown, payload: unknown): string {
  const input = `${b64(header)}.${b64(payload)}`
  if (alg === 'HS256') return `${input}.${createHmac('sha256', signsWith).update(input).digest('base64url')}`
  const key = createPrivateKey(String(signsWith))
  const signature = signBytes(alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), {
    key,
    dsaEncoding: 'ieee-p1363',
  })
  return `${input}.${signature.toString('base64url')}`
}

const partsOf = (token: string) => token.split('.') as [string, string, string]
const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
const headerOf = ({ verifying: { alg, kid } }: Key) => ({ alg, typ: 'pat+jwt', kid })

const everyKey = ringOf(...Object.values(keyOf))
const jwts: Jwts = createJwts({ keys: everyKey, issuer: ISSUER })
const good = createJwts({ keys: ringOf(keyOf.EdDSA), issuer: ISSUER }).sign(claim)
const goodClaims = read(partsOf(good)[1])

/** Any UTF-16 unit, halves of surrogate pairs included. */
const anyCharacter = fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit))

t.test('a handle and its UUID are the same bits', async (t) => {
  t.equal(uuidOfHandle(claim.handle), 'b56929f3-54f1-4dc2-9984-9bba615e26e6')
  t.equal(handleOfUuid('B56929F3-54F1-4DC2-9984-9BBA615E26E6'), claim.handle, 'in either case')
  for (const uuid of [
    '',
    'b56929f354f14dc299849bba615e26e6',
    'b56929f3-54f1-4dc2-9984-9bba615e26e',
    `${'0'.repeat(36)}`,
  ])
    t.equal(handleOfUuid(uuid), undefined, uuid)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const handle = Buffer.from(bytes).toString('base64url')
      return handleOfUuid(uuidOfHandle(handle)) === handle
    }),
  )
})

for (const alg of jwtAlgorithms)
  t.test(`a token signed with ${alg}`, async (t) => {
    const key = keyOf[alg]
    const own = createJwts({ keys: ringOf(key), issuer: ISSUER })
    const token = own.sign(claim)
    const [header, payload] = partsOf(token)
    t.equal(header, b64(headerOf(key)), 'its header is spelled as the verifier expects')
    t.strictSame(read(payload), {
      username: 'admin',
      jwt_token_id: 'b56929f3-54f1-4dc2-9984-9bba615e26e6',
      jwt_token_description: 'Token specter',
      exp: (NOW + HOUR_MS) / 1000,
      iat: NOW / 1000,
      iss: ISSUER,
      sub: 'admin',
      jti: 'b56929f3-54f1-4dc2-9984-9bba615e26e6',
    })
    t.match(await own.verify(token), claim)
    t.match(await own.verify(token), claim, 'and again, from memory')
    t.match(await jwts.verify(token), claim, 'beside keys of other algorithms')
    t.equal(
      await createJwts({ keys: ringOf(), issuer: ISSUER }).verify(token),
      'forged',
      'not without its key',
    )

    t.match(await own.verify(forge(key, headerOf(key), read(payload))), claim, 'this test forges well')
  })

t.test('what a token says survives the way over the wire', async (t) => {
  const text = fc.string({ unit: anyCharacter })
  await fc.assert(
    fc.asyncProperty(text, text, async (name, description) => {
      const uid = `u${name}`
      const said = await jwts.verify(jwts.sign({ ...claim, uid, description }))
      return typeof said === 'object' && said.uid === uid && said.description === description
    }),
  )
  const lone = '\ud800 "quoted" \\ \u0000 \u2028'
  t.match(await jwts.verify(jwts.sign({ ...claim, description: lone })), { description: lone })
  t.match(
    await jwts.verify(jwts.sign({ ...claim, issuedAt: NOW + 1, expiresAt: NOW + 5_999 })),
    { issuedAt: NOW, expiresAt: NOW + 5_000 },
    'whole seconds, and never longer than asked for',
  )
})

t.test('time is looked at on every use, by the clock of the ring', async (t) => {
  const ring = ringOf(keyOf.EdDSA)
  const own = createJwts({ keys: ring, issuer: ISSUER })
  const token = own.sign(claim)
  const later = forge(keyOf.EdDSA, headerOf(keyOf.EdDSA), { ...goodClaims, nbf: NOW / 1000 + 100 })
  t.equal(await own.verify(later), 'ahead', 'T17 nbf')
  for (const [nowMs, expected] of [
    [NOW, claim],
    [NOW + HOUR_MS - 1, claim],
    [NOW + HOUR_MS, 'expired'],
    [NOW + 2 * HOUR_MS, 'expired'],
    [NOW - 30_000, claim],
    [NOW - 30_001, 'ahead'],
    [NOW, claim],
  ] as const) {
    ring.nowMs = nowMs
    t.match(await own.verify(token), expected, `T17 exp and iat at ${nowMs - NOW} ms`)
  }
  ring.nowMs = NOW + 100_000
  t.match(await own.verify(later), claim)
})

t.test('a key that has left the ring takes its tokens with it', async (t) => {
  const ring = ringOf(keyOf.EdDSA)
  const own = createJwts({ keys: ring, issuer: ISSUER })
  const token = own.sign(claim)
  t.match(await own.verify(token), claim)
  ring.keys.clear()
  t.equal(await own.verify(token), 'forged')
})

t.test('an unknown kid of the right form, and nothing else, makes the ring look again', async (t) => {
  const ring = ringOf(keyOf.EdDSA)
  const own = createJwts({ keys: ring, issuer: ISSUER })
  const kid = keyOf.ES256.verifying.kid
  const token = forge(keyOf.ES256, headerOf(keyOf.ES256), goodClaims)
  t.equal(await own.verify(token), 'forged')
  t.strictSame(ring.sought, [kid])
  ring.seekVerifyingKey = async () => keyOf.ES256.verifying
  t.match(await own.verify(token), claim, 'and is found when it was just published')

  ring.seekVerifyingKey = async (kid) => {
    t.fail(`sought ${kid}`)
    return undefined
  }
  for (const odd of [
    '',
    'x',
    '../../../etc/passwd',
    "' OR 1=1 --",
    `${kid}\n`,
    kid.slice(1),
    `${kid}A`,
    kid.replace(/./, '/'),
  ])
    t.equal(
      await own.verify(forge(keyOf.ES256, { ...headerOf(keyOf.ES256), kid: odd }, goodClaims)),
      'malformed',
      odd,
    )
})

t.test('RFC 8725 section 3.1 (T16): the key decides about the algorithm', async (t) => {
  const { EdDSA, ES256, RS256 } = keyOf
  const [, payload] = partsOf(good)
  for (const none of ['none', 'None', 'NONE', 'nOnE']) {
    const header = b64({ ...headerOf(EdDSA), alg: none })
    t.equal(await jwts.verify(`${header}.${payload}.`), 'malformed', `alg ${none} without a signature`)
    t.equal(await jwts.verify(`${header}.${payload}.AAAA`), 'forged', `alg ${none} with one`)
  }
  t.equal(await jwts.verify(`${partsOf(good)[0]}.${payload}.`), 'malformed', 'no signature at all')

  for (const key of [EdDSA, ES256, RS256]) {
    const { kid, verifiesWith, publicJwk } = key.verifying
    const asSecrets = [
      verifiesWith,
      String(verifiesWith).trim(),
      JSON.stringify(publicJwk),
      publicJwk?.x ?? publicJwk?.n,
    ]
    for (const secret of asSecrets) {
      const signing = { kid, alg: 'HS256' as const, signsWith: Buffer.from(String(secret)) }
      for (const alg of ['HS256', key.verifying.alg])
        t.equal(
          await jwts.verify(
            forge({ signing, verifying: key.verifying }, { ...headerOf(key), alg }, goodClaims),
          ),
          'forged',
          `the public key of ${key.verifying.alg} as a secret, alg ${alg}`,
        )
    }
  }
  const swaps = [
    ...['PS256', 'RS384', 'RS512', 'ES256', 'HS256', 'EdDSA'].map((alg) => [RS256, alg] as const),
    ...['ES384', 'ES256K', 'RS256', 'EdDSA'].map((alg) => [ES256, alg] as const),
    ...['Ed25519', 'Ed448', 'ES256', 'HS256'].map((alg) => [EdDSA, alg] as const),
  ]
  for (const [key, alg] of swaps)
    t.equal(
      await jwts.verify(forge(key, { ...headerOf(key), alg }, goodClaims)),
      'forged',
      `${key.verifying.alg} called ${alg}`,
    )
  const privateKey = createPrivateKey(String(RS256.signing.signsWith))
  const padding = constants.RSA_PKCS1_PSS_PADDING
  for (const [alg, digest, key] of [
    ['PS256', 'sha256', { key: privateKey, padding, saltLength: 32 }],
    ['RS512', 'sha512', privateKey],
  ] as const) {
    const input = `${b64({ ...headerOf(RS256), alg })}.${payload}`
    const signature = signBytes(digest, Buffer.from(input), key).toString('base64url')
    t.equal(
      await jwts.verify(`${input}.${signature}`),
      'forged',
      `a good ${alg} signature by a key for RS256`,
    )
  }
  for (const key of [EdDSA, ES256, RS256])
    for (const other of Object.values(keyOf).filter((other) => other !== key))
      t.equal(
        await jwts.verify(forge(other, headerOf(key), goodClaims)),
        'forged',
        `signed by ${other.verifying.alg} in the name of ${key.verifying.alg}`,
      )
})

t.test('RFC 8725 sections 3.3 and 3.5 (T18): every signature is checked, and to the last bit', async (t) => {
  for (const alg of jwtAlgorithms) {
    const token = createJwts({ keys: ringOf(keyOf[alg]), issuer: ISSUER }).sign(claim)
    const [header, payload, signature] = partsOf(token)
    const bytes = Buffer.from(signature, 'base64url')
    for (const at of [0, 1, bytes.length >> 1, bytes.length - 1]) {
      const altered = Buffer.from(bytes)
      altered[at] = (altered[at] ?? 0) ^ 1
      t.equal(
        await jwts.verify(`${header}.${payload}.${altered.toString('base64url')}`),
        'forged',
        `${alg} byte ${at}`,
      )
    }
    t.equal(await jwts.verify(`${header}.${payload}.${bytes.subarray(1).toString('base64url')}`), 'forged')
    const zeros = Buffer.alloc(bytes.length).toString('base64url')
    t.equal(await jwts.verify(`${header}.${payload}.${zeros}`), 'forged', `${alg} zeros (CVE-2022-21449)`)
    const swapped = b64({ ...read(payload), username: 'root', sub: 'root' })
    t.equal(await jwts.verify(`${header}.${swapped}.${signature}`), 'forged', `${alg} other claims`)
  }
})

t.test('RFC 8725 sections 3.10 and 3.11 (T16, T17): nothing in a header is obeyed', async (t) => {
  const key = keyOf.ES256
  const plain = headerOf(key)
  const own = verifyingKeyOf('ES256', await generateSigningJwk('ES256')).publicJwk
  const headers: Record<string, unknown> = {
    'unknown crit': { ...plain, crit: ['exp'], exp: 1 },
    'empty crit': { ...plain, crit: [] },
    'b64 false (RFC 7797)': { ...plain, b64: false, crit: ['b64'] },
    jwk: { ...plain, jwk: own },
    jku: { ...plain, jku: 'https://attacker.example/jwks.json' },
    x5u: { ...plain, x5u: 'http://169.254.169.254/' },
    x5c: { ...plain, x5c: ['MIIB'] },
    x5t: { ...plain, x5t: 'AAAA' },
    zip: { ...plain, zip: 'DEF' },
    cty: { ...plain, cty: 'JWT' },
    'typ JWT': { ...plain, typ: 'JWT' },
    'typ of an access token': { ...plain, typ: 'at+jwt' },
    'typ in capitals': { ...plain, typ: 'PAT+JWT' },
    'typ as a media type': { ...plain, typ: 'application/pat+jwt' },
    'no typ': { alg: plain.alg, kid: plain.kid },
    'no kid': { alg: plain.alg, typ: plain.typ },
    'no alg': { typ: plain.typ, kid: plain.kid },
    'kid is a number': { ...plain, kid: 1 },
    'kid is an array': { ...plain, kid: [plain.kid] },
    'kid is null': { ...plain, kid: null },
    'alg is an array': { ...plain, alg: [plain.alg] },
    'another order': { typ: plain.typ, alg: plain.alg, kid: plain.kid },
    spaces: JSON.stringify(plain, undefined, 1),
    'an escaped letter': JSON.stringify(plain).replace('pat', '\\u0070at'),
    'alg twice': JSON.stringify(plain).replace('{', '{"alg":"none",'),
    'alg twice, the last is good': JSON.stringify(plain).replace('}', `,"alg":"${plain.alg}"}`),
    'kid twice': JSON.stringify(plain).replace('}', `,"kid":"${keyOf.EdDSA.verifying.kid}"}`),
    'a prototype': JSON.stringify(plain).replace('{', '{"__proto__":{"typ":"pat+jwt"},'),
    'a byte order mark': `\ufeff${JSON.stringify(plain)}`,
    'a line feed at the end': `${JSON.stringify(plain)}\n`,
    'an array': [plain],
    'a string': '"ES256"',
    null: null,
    nothing: '',
  }
  for (const [name, header] of Object.entries(headers))
    t.equal(await jwts.verify(forge(key, header, goodClaims)), 'malformed', name)
})

t.test('T17, T18: the claims are ours, and one text', async (t) => {
  const key = keyOf.EdDSA
  const verify = (payload: unknown) => jwts.verify(forge(key, headerOf(key), payload))
  const without = (name: string) =>
    Object.fromEntries(Object.entries(goodClaims).filter(([key]) => key !== name))
  const text = JSON.stringify(goodClaims)
  t.match(await verify(goodClaims), claim)
  t.match(await verify({ ...goodClaims, scope: 'read' }), claim, 'an unknown claim is ignored')

  for (const name of Object.keys(goodClaims)) {
    t.equal(await verify(without(name)), 'malformed', `no ${name}`)
    for (const odd of [null, [goodClaims[name]], {}, true])
      t.equal(await verify({ ...goodClaims, [name]: odd }), 'malformed', `${name} is ${JSON.stringify(odd)}`)
    const again = `${text.slice(0, -1)},"${name}":${JSON.stringify(goodClaims[name])}}`
    t.equal(await verify(again), 'malformed', `${name} twice`)
  }
  const malformed: Record<string, unknown> = {
    'sub is somebody else': { ...goodClaims, sub: 'root' },
    'username is somebody else': { ...goodClaims, username: 'root' },
    'jti is another': { ...goodClaims, jti: uuidOfHandle('AAAAAAAAAAAAAAAAAAAAAA') },
    'an id in capitals': JSON.parse(text.replaceAll(goodClaims.jti, goodClaims.jti.toUpperCase())),
    'an id that is no UUID': JSON.parse(text.replaceAll(goodClaims.jti, claim.handle)),
    'exp as text': { ...goodClaims, exp: String(goodClaims.exp) },
    'exp with a fraction': { ...goodClaims, exp: goodClaims.exp + 0.5 },
    'exp before 1970': { ...goodClaims, exp: -1 },
    'exp without end': text.replace(String(goodClaims.exp), '1e999'),
    'exp spelled differently': text.replace(String(goodClaims.exp), `${goodClaims.exp}.0`),
    'nbf as text': { ...goodClaims, nbf: '0' },
    'an empty name': { ...goodClaims, sub: '', username: '' },
    spaces: JSON.stringify(goodClaims, undefined, 1),
    'an escaped letter': text.replace('admin', '\\u0061dmin'),
  }
  for (const [name, payload] of Object.entries(malformed)) t.equal(await verify(payload), 'malformed', name)
  const forged: Record<string, unknown> = {
    'another issuer': { ...goodClaims, iss: 'https://elsewhere.example' },
    'an issuer that begins alike': { ...goodClaims, iss: `${ISSUER}/` },
    'an audience': { ...goodClaims, aud: 'somebody-else' },
    'an audience that is us': { ...goodClaims, aud: [ISSUER] },
    'no JSON': '{"sub":',
    'an array': [goodClaims],
    'a string': '"admin"',
    null: 'null',
  }
  for (const [name, payload] of Object.entries(forged)) t.equal(await verify(payload), 'forged', name)
})

t.test('one token has one spelling', async (t) => {
  const [header, payload, signature] = partsOf(good)
  const strayBits = (part: string) => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const others = [...alphabet].map((letter) => part.slice(0, -1) + letter)
    const same = (other: string) => Buffer.from(other, 'base64url').equals(Buffer.from(part, 'base64url'))
    return others.filter((other) => other !== part && same(other))
  }
  t.ok(strayBits(signature).length > 0)
  const spellings = [
    ...strayBits(signature).map((other) => [header, payload, other]),
    ...strayBits(payload).map((other) => [header, other, signature]),
    ...strayBits(header).map((other) => [other, payload, signature]),
    [`${header}=`, payload, signature],
    [header, `${payload}==`, signature],
    [header, payload, `${signature}==`],
    [header, payload, `${signature}\n`],
    [` ${header}`, payload, signature],
    [header, payload, `${signature.slice(0, 5)} ${signature.slice(5)}`],
    [header, payload, signature.replaceAll('-', '+').replaceAll('_', '/').concat('+')],
    [header, payload, signature, ''],
    [header, payload, '', signature],
    ['', header, payload, signature],
    [header, payload],
    [header],
    ['', '', ''],
    [],
  ]
  for (const parts of spellings)
    t.equal(await jwts.verify(parts.join('.')), 'malformed', parts.join('.').slice(-40))
  const key = keyOf.EdDSA
  const badUtf8 = Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xff]), Buffer.from('"}')]).toString(
    'base64url',
  )
  t.equal(await jwts.verify(`${b64(headerOf(key))}.${badUtf8}.${signature}`), 'malformed')
})

t.test('T18 the size is limited before anything is decoded, and nothing longer is signed', async (t) => {
  const own = createJwts({ keys: ringOf(keyOf.RS256), issuer: ISSUER })
  const spare = Math.floor(((LONGEST_JWT - own.sign({ ...claim, description: '' }).length) * 3) / 4)
  const longest = own.sign({ ...claim, description: 'x'.repeat(spare - 2) })
  t.match(await own.verify(longest), { uid: 'admin' }, `${longest.length} characters`)
  t.throws(() => own.sign({ ...claim, description: 'x'.repeat(spare + 2) }), RangeError)
  t.throws(() => own.sign({ ...claim, uid: 'x'.repeat(5_000) }), RangeError)

  const tooLong = forge(keyOf.RS256, headerOf(keyOf.RS256), { ...goodClaims, pad: 'x'.repeat(4_000) })
  t.equal(await own.verify(tooLong), 'malformed')
  const huge = tooLong.padEnd(10_000_000, 'A')
  const begin = process.cpuUsage()
  for (let i = 0; i < 1_000; i++) await own.verify(huge)
  const { user } = process.cpuUsage(begin)
  t.ok(user < 200_000, `${user} µs of CPU to refuse ten megabytes a thousand times`)
})

t.test('whatever is presented, the answer is a value', async () => {
  const parts = fc.array(fc.oneof(fc.constantFrom(...partsOf(good)), fc.base64String(), fc.string()), {
    maxLength: 5,
  })
  const text = fc.oneof(
    fc.string({ unit: anyCharacter }),
    parts.map((list) => list.join('.')),
    fc.tuple(fc.json(), fc.json()).map(([header, payload]) => `${b64(header)}.${b64(payload)}.AAAA`),
    fc.json().map((payload) => forge(keyOf.EdDSA, headerOf(keyOf.EdDSA), payload)),
    fc.nat({ max: good.length - 1 }).map((at) => good.slice(0, at) + good.slice(at + 1)),
  )
  await fc.assert(
    fc.asyncProperty(text, async (token) =>
      ['malformed', 'forged'].includes(String(await jwts.verify(token))),
    ),
    { numRuns: 500 },
  )
})

t.test('a signature is checked once per token', async (t) => {
  const own = createJwts({ keys: ringOf(keyOf.EdDSA), issuer: ISSUER })
  await own.verify(good)
  const begin = process.cpuUsage()
  for (let i = 0; i < 5_000; i++) await own.verify(good)
  const { user } = process.cpuUsage(begin)
  t.ok(user / 5_000 < 20, `${user / 5_000} µs of CPU each; to check the signature takes over 100`)
})
