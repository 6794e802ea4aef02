import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { type Countersigner, createCountersigner } from '../../src/token/countersign.js'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'
import { rememberClaims } from '../../src/token/proved.js'

/** A countersigner that remembers, another of the same ring that does not, and the tokens that the first had to prove. */
function pair() {
  const ring = parseMasterKeys(generateMasterKeys())
  const plain = createCountersigner(ring)
  const proved: string[] = []
  const watched: Countersigner = {
    ...plain,
    verify(token) {
      proved.push(token)
      return plain.verify(token)
    },
  }
  return { plain, proved, remembering: rememberClaims(watched) }
}

t.test('a token is proved once, and one that was signed here not at all', async (t) => {
  const { plain, proved, remembering } = pair()
  const claim = plain.begin('few', 1)
  const foreign = plain.mint(claim, 7, 2)
  t.strictSame(remembering.verify(foreign), { ...claim, n: 7, b: 2 })
  t.strictSame(remembering.verify(foreign), { ...claim, n: 7, b: 2 })
  t.strictSame(proved, [foreign])

  const own = remembering.mint(claim, 8, 0)
  t.equal(own, plain.mint(claim, 8, 0))
  t.strictSame(remembering.verify(own), plain.verify(own))
  t.strictSame(proved, [foreign])
})

t.test('what is not good is judged each time, beside what is', async (t) => {
  const { plain, proved, remembering } = pair()
  const good = remembering.mint(plain.begin('few', 1), 1, 0)
  const other = pair().plain
  const forged = other.mint(other.begin('few', 1), 1, 0)
  for (const [token, verdict] of [
    [forged, 'forged'],
    [`${good}A`, 'malformed'],
    [good.slice(0, -1), 'malformed'],
    ['', 'malformed'],
  ] as const) {
    t.equal(remembering.verify(token), verdict)
    t.equal(remembering.verify(token), verdict)
    t.strictSame(proved.splice(0), [token, token])
  }
  t.match(remembering.verify(good), { n: 1 })
})

t.test('it remembers the latest, and no more than it should', async (t) => {
  const { plain, proved, remembering } = pair()
  // A hundred more than it should: among so many, two share a number every twentieth time, and count as one.
  const claims = Array.from({ length: 20_100 }, () => plain.begin('few', 1))
  const tokens = claims.map((claim) => remembering.mint(claim, 1, 0))
  t.strictSame(remembering.verify(tokens.at(-1) ?? ''), claims.at(-1))
  t.strictSame(proved, [])
  t.strictSame(remembering.verify(tokens[0] ?? ''), claims[0])
  t.strictSame(proved, [tokens[0]])
})

t.test('of a session it remembers the last token, whatever came before', async (t) => {
  const { plain, proved, remembering } = pair()
  const claim = plain.begin('few', 1)
  const [first, second] = [1, 2].map((n) => remembering.mint(claim, n, 0)) as [string, string]
  const met = [second, first, first, second, second]
  t.strictSame(
    met.map((token) => remembering.verify(token)),
    [2, 1, 1, 2, 2].map((n) => ({ ...claim, n })),
  )
  t.strictSame(proved, [first, second])
})

t.test('it keeps tokens, not the texts in which they came', async (t) => {
  const { plain } = pair()
  const remembering = rememberClaims(plain)
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const used = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const claim = plain.begin('few', 1)
  const longMiB = 1 / 32
  const before = used()
  for (let n = 1; n <= 1_000; n++) {
    const text = `${plain.mint(claim, n, 0)}${' '.repeat(longMiB * 2 ** 20)}`
    remembering.verify(Buffer.from(text).toString().slice(0, 59))
  }
  const keptMiB = (used() - before) / 2 ** 20
  t.ok(keptMiB < 5, `${keptMiB.toFixed(1)} MiB of ${1_000 * longMiB}`)
})
