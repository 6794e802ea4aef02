import fc from 'fast-check'
import t from 'tap'
import type { RingKey } from '../../src/token/key-rotation.js'
import { turn } from '../../src/token/key-rotation.js'
import type { JwtAlgorithm } from '../../src/token/signing-keys.js'
import { publicPartOf } from '../../src/token/signing-keys.js'

const times = { periodMs: 1000, leadMs: 100, lifeMs: 5000 }
const run = (ring: readonly RingKey[], nowMs: number, alg: JwtAlgorithm = 'EdDSA') =>
  turn(ring, nowMs, { alg, starting: false, times })
const start = (ring: readonly RingKey[], nowMs: number, alg: JwtAlgorithm = 'EdDSA', lifeMs = times.lifeMs) =>
  turn(ring, nowMs, { alg, starting: true, times: { ...times, lifeMs } })
const states = (ring: readonly RingKey[]) => ring.map(({ state, alg }) => `${state} ${alg}`)
const kids = (ring: readonly RingKey[]) => ring.map(({ kid }) => kid)

t.test('begins with a key that signs and a next one that is published', async (t) => {
  const ring = await start([], 0)
  t.strictSame(states(ring), ['current EdDSA', 'next EdDSA'])
  t.not(ring[0]?.kid, ring[1]?.kid)
  t.equal(await run(ring, 0), ring, 'and then there is nothing to do')
})

t.test('a key signs for its period, verifies as long as its tokens may live, and goes', async (t) => {
  const first = await start([], 0)
  t.equal(await run(first, 999), first, 'not a moment early')

  const second = await run(first, 1000)
  t.strictSame(states(second), ['current EdDSA', 'next EdDSA', 'retired EdDSA'])
  t.strictSame([second[0]?.kid, second[2]?.kid], [first[1]?.kid, first[0]?.kid], 'the next one signs now')

  const retired = second[2]
  t.notOk('d' in (retired?.jwk ?? { d: '' }), 'the private part of a key that no longer signs is gone')
  t.strictSame(retired?.jwk, publicPartOf(first[0]?.jwk ?? {}))

  t.ok(kids(await run(second, 1000 + 5000 + 99)).includes(String(retired?.kid)))
  t.notOk(kids(await run(second, 1000 + 5000 + 100)).includes(String(retired?.kid)))
})

t.test('T19 a next key is published for its lead before it signs, however late it was made', async (t) => {
  const [current] = await start([], 0)
  const ring = await run(current ? [current] : [], 5000)
  t.strictSame(states(ring), ['current EdDSA', 'next EdDSA'])
  t.equal(ring[0]?.kid, current?.kid, 'the overdue key goes on signing')
  t.equal(await run(ring, 5099), ring)
  t.equal((await run(ring, 5100))[0]?.kid, ring[1]?.kid)
})

t.test('another algorithm: published first, then it signs before the period is over', async (t) => {
  const old = await start([], 0, 'EdDSA')
  const announced = await start(old, 10, 'ES256')
  t.strictSame(
    states(announced),
    ['current EdDSA', 'next ES256'],
    'the next key of the old algorithm never signs',
  )
  t.equal(await run(announced, 109, 'ES256'), announced)
  const changed = await run(announced, 110, 'ES256')
  t.strictSame(states(changed), ['current ES256', 'next ES256', 'retired EdDSA'])
  t.equal(await start(changed, 120, 'ES256'), changed)
})

t.test('instances that are configured differently do not undo each other', async (t) => {
  let ring = await start([], 0, 'EdDSA')
  ring = await start(ring, 10, 'ES256')
  for (let now = 20; now < 900; now += 10) {
    ring = await run(ring, now, 'EdDSA')
    ring = await run(ring, now, 'ES256')
  }
  t.strictSame(states(ring), ['current ES256', 'next ES256', 'retired EdDSA'], 'who started last has decided')
})

t.test('HS256 makes no keys, and lets those that are there retire', async (t) => {
  const none: RingKey[] = []
  t.equal(await start(none, 0, 'HS256'), none)
  const ring = await start(await start([], 0), 10, 'HS256')
  t.strictSame(states(ring), ['retired EdDSA'])
  t.equal(await run(ring, 20, 'HS256'), ring)
  t.strictSame(await run(ring, 10 + 5100, 'HS256'), [])
  t.strictSame(
    states(await start(ring, 20, 'RS256')),
    ['current RS256', 'next RS256', 'retired EdDSA'],
    'and back',
  )
})

t.test('a key verifies as long as the longest life that was allowed while it signed', async (t) => {
  const longer = await start(await start([], 0), 10, 'EdDSA', 9000)
  t.equal(longer[0]?.lifeMs, 9000)
  const shorter = await start(longer, 20, 'EdDSA', 1)
  t.equal(shorter, longer, 'a shorter one changes nothing')
  const turned = await turn(shorter, 1000, { alg: 'EdDSA', starting: false, times: { ...times, lifeMs: 1 } })
  t.equal(turned[2]?.lifeMs, 9000)
  t.equal(
    (await run(turned, 1000 + 9000 + 99)).find(({ kid }) => kid === turned[2]?.kid)?.kid,
    turned[2]?.kid,
  )
})

t.test('whatever happens and whenever one looks', async () => {
  const look = fc.record({
    afterMs: fc.nat({ max: 2500 }),
    starting: fc.boolean(),
    alg: fc.constantFrom<JwtAlgorithm>('EdDSA', 'EdDSA', 'ES256', 'HS256'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(look, { maxLength: 12 }), async (looks) => {
      let now = 0
      let ring: readonly RingKey[] = []
      const publishedAt = new Map<string, number>()
      const signedUntil = new Map<string, number>()
      for (const { afterMs, starting, alg } of looks) {
        now += afterMs
        const current = ring.find(({ state }) => state === 'current')
        if (current) signedUntil.set(current.kid, now)
        const before = ring
        ring = await turn(ring, now, { alg, starting, times })
        for (const { kid } of ring) if (!publishedAt.has(kid)) publishedAt.set(kid, now)

        const signing = ring.filter(({ state }) => state === 'current')
        if (signing.length > 1 || ring.filter(({ state }) => state === 'next').length > 1) return false
        if (new Set(kids(ring)).size !== ring.length) return false
        // Nothing signs that was not published for the lead; only the first key of all has nobody to surprise.
        const [signs] = signing
        const isNew = signs !== undefined && current !== undefined && signs.kid !== current.kid
        if (isNew && now - (publishedAt.get(signs.kid) ?? now) < times.leadMs) return false
        // Nothing goes before the last token that it may have signed has expired.
        for (const { kid } of before)
          if (!kids(ring).includes(kid) && now < (signedUntil.get(kid) ?? -times.lifeMs) + times.lifeMs)
            return false
        if (ring.some(({ state, jwk }) => state === 'retired' && 'd' in jwk)) return false
        if ((await turn(ring, now, { alg, starting: false, times })) !== ring && alg !== 'HS256') return false
      }
      return true
    }),
    { numRuns: 150 },
  )
})
