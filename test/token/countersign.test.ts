import { createHash, createHmac, randomBytes, randomInt } from 'node:crypto'
import t from 'tap'
import { createCountersigner } from '../../src/token/countersign.js'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const ring = parseMasterKeys(generateMasterKeys())
const countersigner = createCountersigner(ring)
const tagOf = (bytes: Buffer): string => bytes.toString('base64url', 0, 2)
const bytesOf = (token: string): Buffer => Buffer.from(token.slice('cst_'.length), 'base64url')
const isRefused = (token: string): boolean => typeof countersigner.verify(token) === 'string'

/** The definition, by node's own HMAC. */
function reference(key: Buffer, keyId: number, tag: string, secret: Buffer, n: number, b: number): string {
  const body = Buffer.alloc(25)
  body[0] = keyId
  Buffer.from(tag, 'base64url').copy(body, 1)
  secret.copy(body, 3)
  body.writeUIntBE(n, 19, 5)
  body[24] = b
  const mac = createHmac('sha256', key).update('cst1').update(body).digest().subarray(0, 16)
  return `cst_${Buffer.concat([body, mac]).toString('base64url')}`
}

t.test('a token is what its definition says, for any key, secret, generation and branch', async (t) => {
  for (let i = 0; i < 2000; i++) {
    const key = randomBytes(32)
    const keyId = randomInt(256)
    const signer = createCountersigner({ currentId: keyId, byId: new Map([[keyId, key]]) })
    const [tag, secret] = [tagOf(randomBytes(2)), randomBytes(16)]
    const n = [0, 1, 255, 2 ** 32, 2 ** 40 - 1, randomInt(2 ** 40)][i % 6] ?? 0
    const b = [0, 1, 255, randomInt(256)][i % 4] ?? 0
    const token = signer.mint({ tag, secret: secret.toString('latin1'), handle: '' }, n, b)
    if (token !== reference(key, keyId, tag, secret, n, b)) return t.fail(`${token} is not by the definition`)

    const handle = createHash('sha256').update('handle').update(secret).digest().toString('base64url', 0, 16)
    const claim = signer.verify(token)
    const expected = { tag, handle, secret: secret.toString('latin1'), n, b }
    if (JSON.stringify(claim) !== JSON.stringify(expected)) return t.strictSame(claim, expected)
  }
  t.pass('2,000 of 2,000')
})

t.test('what a session begins with', async (t) => {
  const claim = countersigner.begin('few', 1)
  const token = countersigner.mint(claim, claim.n, claim.b)
  t.match(token, /^cst_[A-Za-z0-9_-]{55}$/)
  t.equal(bytesOf(token).length, 41)
  t.match(claim, { tag: 'few', n: 1, b: 0 })
  t.match(claim.handle, /^[A-Za-z0-9_-]{22}$/)
  t.strictSame(countersigner.verify(token), claim)
  t.notOk(
    token.includes(claim.handle),
    'the public name does not give the secret away, nor the other way round',
  )
})

t.test('secrets do not repeat', async (t) => {
  const handles = new Set<string>()
  const rounds = 200_000
  for (let i = 0; i < rounds; i++) handles.add(countersigner.begin('few', 1).handle)
  t.equal(handles.size, rounds)
})

t.test('every bit counts', async (t) => {
  const token = countersigner.mint(countersigner.begin('few', 1), 1, 0)
  let accepted = 0
  for (let bit = 0; bit < 41 * 8; bit++) {
    const bytes = bytesOf(token)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    if (!isRefused(`cst_${bytes.toString('base64url')}`)) accepted++
  }
  t.equal(accepted, 0, '328 bits flipped')
})

t.test('every character counts', async (t) => {
  const token = countersigner.mint(countersigner.begin('few', 1), 1, 0)
  let accepted = 0
  let tried = 0
  for (let at = 0; at < token.length; at++)
    for (const letter of `${ALPHABET}+/=. \0\n%é😀`) {
      if (letter === token[at]) continue
      tried++
      if (!isRefused(token.slice(0, at) + letter + token.slice(at + 1))) accepted++
    }
  t.equal(accepted, 0, `${tried} characters replaced`)
})

t.test('one spelling only', async (t) => {
  const token = countersigner.mint(countersigner.begin('few', 1), 1, 0)
  const last = ALPHABET.indexOf(token.at(-1) ?? '')
  const body = token.slice(4)
  const spellings: Record<string, string> = {
    'unused bits 1': token.slice(0, -1) + ALPHABET[last + 1],
    'unused bits 2': token.slice(0, -1) + ALPHABET[last + 2],
    'unused bits 3': token.slice(0, -1) + ALPHABET[last + 3],
    padded: `${token}=`,
    'other alphabet': `cst_${body.slice(0, 20)}+/${body.slice(22)}`,
    'leading space': ` ${token}`,
    'trailing space': `${token} `,
    'trailing newline': `${token}\n`,
    'trailing NUL': `${token}\0`,
    'inner newline': `${token.slice(0, 30)}\n${token.slice(30)}`,
    'upper-case prefix': `CST_${body}`,
    'no prefix': body,
    'prefix twice': `cst_${token}`,
    'one character short': token.slice(0, -1),
    'one character more': `${token}A`,
    'four characters more': `${token}AAAA`,
    twice: token + token,
    empty: '',
    'prefix only': 'cst_',
    'full-width letters': token.replace('c', '\uff43'),
    'ten kilobytes': `cst_${'A'.repeat(10_000)}`,
  }
  for (const [name, spelling] of Object.entries(spellings))
    t.equal(countersigner.verify(spelling), 'malformed', name)
})

t.test('parts of several tokens make no token', async (t) => {
  const [mine, yours] = [countersigner.begin('few', 1), countersigner.begin('few', 1)]
  const tokens = [
    countersigner.mint(mine, 1, 0),
    countersigner.mint(mine, 2, 0),
    countersigner.mint(yours, 1, 0),
  ]
  const cuts = [0, 1, 3, 19, 24, 25, 41]
  let accepted = 0
  for (const one of tokens)
    for (const other of tokens.filter((token) => token !== one))
      for (let i = 1; i + 1 < cuts.length; i++) {
        const [from, to] = [cuts[i] ?? 0, cuts[i + 1] ?? 0]
        const bytes = bytesOf(one)
        bytesOf(other).copy(bytes, from, from, to)
        const spliced = `cst_${bytes.toString('base64url')}`
        if (!tokens.includes(spliced) && !isRefused(spliced)) accepted++
      }
  t.equal(accepted, 0)
})

t.test('100,000 fuzzed tokens: none accepted, no exception', async (t) => {
  const genuine = countersigner.mint(countersigner.begin('few', 1), 1, 0)
  const letter = () => ALPHABET[randomInt(64)] ?? ''
  const shapes: (() => string)[] = [
    () => `cst_${randomBytes(41).toString('base64url')}`,
    () => `cst_${Buffer.concat([Buffer.from([ring.currentId]), randomBytes(40)]).toString('base64url')}`,
    () => randomBytes(randomInt(80)).toString('latin1'),
    () => `cst_${randomBytes(randomInt(80)).toString('base64url')}`,
    () => Array.from(genuine, (c) => (randomInt(20) === 0 ? letter() : c)).join(''),
    () => genuine.slice(0, randomInt(60)) + letter() + genuine.slice(randomInt(60)),
    () => String.fromCharCode(...Array.from({ length: 59 }, () => randomInt(65_536))),
  ]
  let accepted = 0
  for (let i = 0; i < 100_000; i++) {
    const token = shapes[i % shapes.length]?.() ?? ''
    if (token !== genuine && !isRefused(token)) accepted++
  }
  t.equal(accepted, 0)
})

t.test('key rings: the first key signs, every key verifies, a removed one does not', async (t) => {
  const [first, second] = [randomBytes(32), randomBytes(32)]
  const spell = (id: number, key: Buffer) => `${id}:${key.toString('base64url')}`
  const before = createCountersigner(parseMasterKeys(spell(1, first)))
  const during = createCountersigner(parseMasterKeys(`${spell(2, second)},${spell(1, first)}`))
  const after = createCountersigner(parseMasterKeys(spell(2, second)))
  const claim = before.begin('few', 1)
  const old = before.mint(claim, 1, 0)
  t.strictSame(during.verify(old), claim)
  t.equal(after.verify(old), 'forged')
  const renewed = during.mint(claim, 2, 0)
  t.equal(bytesOf(renewed)[0], 2)
  t.match(
    after.verify(renewed),
    { handle: claim.handle, n: 2 },
    'the session outlives the key that it began with',
  )
  t.equal(before.verify(renewed), 'forged')

  const sameId = createCountersigner(parseMasterKeys(spell(1, second)))
  t.equal(sameId.verify(old), 'forged', 'an id is not a key')
  t.throws(() => createCountersigner({ currentId: 3, byId: new Map([[1, first]]) }), /no key 3/)
})
