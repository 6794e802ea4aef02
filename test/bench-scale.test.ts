/** What the bench makes of figures about scale; the figures themselves take a load that a test cannot have. */
import t from 'tap'
import type { Report } from '../bench/report.js'
import { growth, together } from '../bench/scale/growth.js'
import { describeSizing } from '../bench/scale/sizing.js'
import { judge, type Sample } from '../bench/scale/soak.js'
import type { Cost } from '../bench/scale/turns.js'
import { readSettings } from '../bench/settings.js'

t.test('arguments of what takes long', async (t) => {
  t.match(readSettings([], []), { stored: 1_000_000, minutes: 10 })
  t.match(readSettings(['--stored', '20000', '--minutes', '0.5'], []), { stored: 20_000, minutes: 0.5 })
  for (const wrong of [
    ['--stored', '1.5'],
    ['--minutes', '0'],
  ])
    t.match(readSettings(wrong, []), { exitCode: 2, text: wrong[0] ?? '' })
})

const cost = (cpuMicros: number, redisMicros: number): Cost => ({
  service: { cpuMicros, bytes: 1, p50Ms: 1, p99Ms: 1, requestsPerSecond: 1 },
  redisMicros,
  scripts: 0.25,
})

t.test('growth is that of service and Redis together, round by round', async (t) => {
  const little = { name: '10 sessions', costs: [cost(90, 10), cost(180, 20), cost(45, 5)] }
  const much = { name: '1,000', costs: [cost(90, 12), cost(180, 24), cost(90, 10)] }
  const { verdicts, text, figures } = growth('rotate', little, much)
  t.strictSame(verdicts, [
    {
      goal: 'rotate: CPU of service and Redis with 1,000, over 10 sessions',
      wanted: '≤ 1.05',
      figure: '1.02',
      met: true,
    },
  ])
  t.match(text, /^rotate: 1\.02 .* of the service's 1\.00 .* of Redis' 1\.20 /)
  t.match(text, '1,000: 90.0 µs of the service, 12.0 µs of Redis, 0.25 script calls a request')
  t.strictSame(figures, {
    'rotate: µs of the service': 90,
    'rotate: µs of Redis': 12,
    'rotate: growth': 1.02,
    'rotate: growth of service': 1,
    'rotate: growth of Redis': 1.2,
  })
  t.notOk(
    growth('rotate', little, { ...much, costs: [cost(100, 10)] }).verdicts[0]?.met,
    'a tenth is too much',
  )

  const both = together([growth('a', little, much), growth('b', little, much)])
  t.equal(both.verdicts.length, 2)
  t.equal(Object.keys(both.figures).length, 10)
})

t.test('lasting load: what is filled at first is no growth, what goes on growing is', async (t) => {
  const MIB = 2 ** 20
  const of = (rss: (i: number) => number): Sample[] =>
    Array.from({ length: 60 }, (_, i) => ({
      at: 10 * i,
      cpuMicros: 1,
      rssBytes: rss(i) * MIB,
      heapBytes: (50 + (i % 7)) * MIB,
    }))
  const filled = judge(
    of((i) => Math.min(200, 100 + 10 * i)),
    1_000,
  )
  t.match(filled.verdicts, [{ wanted: '≤ 1.05', figure: '1.00', met: true }])
  t.match(filled.text, 'resident 195, 200, 200 MiB, heap in use 50, 50, 50 MiB')
  t.equal(filled.figures.mibPerMinute, 0)

  const growing = judge(
    of((i) => 100 + i),
    1_000,
  )
  t.match(growing.verdicts, [{ met: false }])
  t.ok(Math.abs(growing.figures.mibPerMinute - 6) < 1e-9)
  t.throws(() => judge(of(() => 1).slice(0, 2), 1), /too few/)
})

t.test('sizing is arithmetic on a result, and leaves out what that does not have', async (t) => {
  const same = (median: number) => ({ q1: median, median, q3: median })
  const redis = { cpuMicros: 0, reads: 0, bytesIn: 0, bytesOut: 0, calls: {} }
  const result = (name: string, cpuMicros: number, redisMicros: number): Report['results'][number] => ({
    ...{ name, about: '', goals: {}, cpuRatio: same(1), redisMicros: same(redisMicros) },
    ...{ roundTrips: 1, rssBytes: 1 },
    rounds: [{ service: cost(cpuMicros, 0).service, floor: cost(20, 0).service, redis }],
  })
  const found = (name: string, figures: Record<string, number>) => ({
    ...{ name, about: '', text: '', verdicts: [], figures },
  })
  const origin = { commit: 'c0ffee', date: '2026-01-02T03:04:05Z', machine: 'one', versions: {} }
  const settings = { rounds: 1, pairs: 1, seconds: 1, connections: 1, sessions: 1 }
  const report: Report = {
    ...{ ...origin, settings, verdicts: [] },
    results: [result('verify', 25, 0.3), result('rotate', 40, 10), result('list-10', 100, 50)],
    found: [
      found('crowded', {
        'rotate: µs of the service': 50,
        'rotate: µs of Redis': 12.5,
        ...{ bytesPerSession: 2 ** 20 / 1_000, bytesOfAccountsPerSession: 2 ** 20 / 1_000 },
      }),
      found('start', { idleRssMiB: 100, startMs: 700 }),
    ],
  }
  const lines = describeSizing(report).split('\n')
  const rows = lines.filter((line) => line.startsWith('| ') || line.startsWith('- '))
  t.strictSame(rows.slice(1), [
    '| forward auth, answered from memory | 25 | 40,000 a second | 0.3 | – | – |',
    '| a rotation | 50 | 20,000 a second | 12.5 | 80,000 a second | 4.0 |',
    '| sessions | Redis, 1049 bytes each | with an account for every five, 2097 |',
    '| 100,000 | 100 MiB | 200 MiB |',
    '| 1,000,000 | 1,000 MiB | 2,000 MiB |',
    '| 10,000,000 | 10,000 MiB | 20,000 MiB |',
    '- An idle instance has 100 MiB resident.',
    '- It answers 0.7 s after it was started.',
  ])
  t.equal(lines.at(-1), 'Measured: one; commit c0ffee, 2026-01-02. The rest is arithmetic.')
  t.equal(describeSizing({ ...report, results: [], found: [] }), lines.at(-1))
})
