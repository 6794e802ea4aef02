/** What the bench makes of what it measures: quantiles, goals, its progress; and its arguments. */
import t from 'tap'
import { verdictsOn } from '../bench/goals.js'
import type { Result } from '../bench/harness.js'
import { progressLine } from '../bench/progress.js'
import { quantile, quartiles } from '../bench/quartiles.js'
import { countPairs, ratiosOf } from '../bench/ratios.js'
import { difference } from '../bench/redis.js'
import type { Goals } from '../bench/scenario.js'
import { readSettings } from '../bench/settings.js'
import { zipf } from '../bench/zipf.js'

t.test('quantiles interpolate', async (t) => {
  t.equal(quantile([1, 2, 3, 4], 0.5), 2.5)
  t.equal(quantile([7], 0.99), 7)
  t.strictSame(quartiles([5, 1, 4, 2, 3]), { q1: 2, median: 3, q3: 4 })
})

t.test(
  'of two services, each is the first to start in one pair of two, and what that does to it is taken out',
  async (t) => {
    const beside = { against: {} }
    t.equal(countPairs({}, { pairs: 4, rounds: 9 }), 4)
    t.equal(countPairs({}, { pairs: 4, rounds: 1 }), 1)
    t.equal(countPairs(beside, { pairs: 4, rounds: 9 }), 8)
    t.equal(countPairs(beside, { pairs: 4, rounds: 1 }), 1)

    const side = { bytes: 1, p50Ms: 1, p99Ms: 1, requestsPerSecond: 1 }
    const pair = (...ratios: number[]) => ({
      rounds: ratios.map((ratio) => ({
        service: { ...side, cpuMicros: ratio * 10 },
        floor: { ...side, cpuMicros: 10 },
      })),
    })
    t.strictSame(ratiosOf({}, [pair(1.5, 2), pair(3)]), [1.5, 2, 3])
    t.strictSame(ratiosOf(beside, [pair(1.25)]), [1.25], 'there is nothing to take it out with')
    const [mean, next, ...more] = ratiosOf(beside, [pair(2), pair(0.5), pair(4, 1), pair(2)])
    t.strictSame([mean?.toFixed(6), next?.toFixed(6), more], ['1.000000', '2.000000', []])
  },
)

t.test('a log is told of what is shown first, and of times', async (t) => {
  const lines: string[] = []
  const line = progressLine({ write: (text: string) => lines.push(text) })
  line.show('a: starting', 0)
  line.show('a: round 1')
  line.clear()
  t.strictSame(lines, ['a: starting\n'])
})

t.test('goals, each with a verdict', async (t) => {
  const same = (median: number) => ({ q1: median, median, q3: median })
  const side = { bytes: 1, p50Ms: 1, p99Ms: 1, requestsPerSecond: 1 }
  const round = { service: { ...side, cpuMicros: 612 }, floor: { ...side, cpuMicros: 100 } }
  const redis = { cpuMicros: 0, reads: 0, bytesIn: 0, bytesOut: 0, calls: {} }
  const result = (name: string, ratio: number, goals: Goals, peer?: Result['peer']): Result => ({
    ...{ name, about: '', goals, ...(peer && { peer }), cpuRatio: same(ratio) },
    ...{ redisMicros: same(9), roundTrips: 1, rssBytes: 1, rounds: [{ ...round, redis }] },
  })
  const peer = { entry: '', stateful: true, onlyReads: true }
  const told = verdictsOn([
    result('verify', 1.5, { cpuRatio: 1.2, roundTrips: 0 }),
    result('rotate', 1.5, { cpuRatio: 1.5, redisMicros: 12 }),
    result('batch', 3, { beyondFloor: { parts: 256, part: 'token', micros: 2 } }),
    result('peer-a', 4.5, {}, peer),
    result('peer-b', 3.6, {}, { ...peer, onlyReads: false }),
    result('peer-c', 1.1, {}, { ...peer, stateful: false }),
  ])
  t.strictSame(
    told.map(({ goal, wanted, figure, met }) => `${goal}: ${wanted}, ${figure}, ${met}`),
    [
      'verify: CPU over the floor: ≤ 1.2, 1.50, false',
      'verify: round trips to Redis: ≤ 0, 1, false',
      'rotate: CPU over the floor: ≤ 1.5, 1.50, true',
      'rotate: CPU of Redis: ≤ 12 µs, 9.0 µs, true',
      'batch: CPU beyond the floor, a token: ≤ 2 µs, 2.00 µs, true',
      'verify: times cheaper than the cheapest stateful peer: ≥ 3, 2.40, false',
      'rotate: times cheaper than the cheapest peer that only reads: ≥ 2.5, 3.00, true',
    ],
  )
  t.strictSame(verdictsOn([result('peer-a', 4.5, {}, peer)]), [], 'nothing to compare with')
})

t.test('Zipf: the first is met as often as the second twice', async (t) => {
  const draw = (random: number) => zipf(4, () => random)() // 12, 6, 4 and 3 parts of 25
  t.strictSame([0, 0.47, 0.49, 0.71, 0.73, 0.87, 0.89, 0.999].map(draw), [0, 0, 1, 1, 2, 2, 3, 3])
})

t.test('arguments', async (t) => {
  t.match(readSettings([], ['a', 'b']), {
    only: [],
    rounds: 16,
    pairs: 4,
    seconds: 1,
    connections: 64,
    save: false,
  })
  t.match(readSettings(['--quick', '--only', 'a', '--only', 'b'], ['a', 'b']), {
    only: ['a', 'b'],
    rounds: 4,
    pairs: 1,
  })
  t.match(readSettings(['--quick', '--rounds', '5', '--seconds', '0.5'], []), { rounds: 5, seconds: 0.5 })
  t.match(readSettings(['--help'], ['a']), { exitCode: 0, text: /--only NAME .* a$/m })
  for (const [args, words] of [
    [['--only', 'c'], 'there is no scenario "c"'],
    [['--rounds', '0'], '--rounds must be'],
    [['--rounds', '1.5'], '--rounds must be a whole number'],
    [['--seconds', 'two'], '--seconds must be'],
    [['--fast'], "Unknown option '--fast'"],
  ] as const)
    t.match(readSettings(args, ['a']), { exitCode: 2, text: words })
})

t.test('a reading of Redis does not count itself', async (t) => {
  const before = { cpuMicros: 10, reads: 5, bytesIn: 1, bytesOut: 2, calls: { info: 1, evalsha: 3, ping: 1 } }
  const after = { cpuMicros: 30, reads: 9, bytesIn: 3, bytesOut: 6, calls: { info: 2, evalsha: 6, ping: 1 } }
  t.strictSame(difference(before, after), {
    cpuMicros: 20,
    reads: 3,
    bytesIn: 2,
    bytesOut: 4,
    calls: { evalsha: 3 },
  })
})
