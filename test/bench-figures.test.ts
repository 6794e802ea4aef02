/** Figures are written from a kept result, never by hand. */
import t from 'tap'
import { drawChart } from '../bench/figures/chart.js'
import { describeFigures, drawCharts, replaceBlock } from '../bench/figures/figures.js'
import type { Result } from '../bench/harness.js'
import type { Report } from '../bench/report.js'

const same = (median: number) => ({ q1: median - 0.1, median, q3: median + 0.1 })
const side = (cpuMicros: number) => ({ cpuMicros, bytes: 1, p50Ms: 1, p99Ms: 1, requestsPerSecond: 1 })
const result = (name: string, ratio: number, more: Partial<Result> = {}): Result => ({
  ...{ name, about: `GET /${name}`, goals: { cpuRatio: 1.2 }, cpuRatio: same(ratio), redisMicros: same(8) },
  ...{ roundTrips: 1, rssBytes: 1 },
  rounds: [
    {
      ...{ service: side(ratio * 50), floor: side(50) },
      redis: { cpuMicros: 8, reads: 1, bytesIn: 1, bytesOut: 1, calls: {} },
    },
  ],
  ...more,
})
const peer = { entry: '', stateful: true, onlyReads: true }
const report: Report = {
  ...{ commit: 'abc', date: '2026-11-22T00:00:00.000Z', machine: 'M, 2 cores', versions: { node: '20' } },
  settings: { rounds: 16, pairs: 4, seconds: 1, connections: 64, sessions: 100_000 },
  verdicts: [
    { goal: 'verify: CPU over the floor', wanted: '≤ 1.2', figure: '1.10', met: true },
    { goal: 'memory', wanted: '≤ 350 bytes', figure: '400 bytes', met: false },
  ],
  results: [
    result('verify', 1.1),
    result('sign-in', 70, { goals: {} }),
    result('verify-located', 1, { against: {} }),
    result('peer-a<b', 4.4, { goals: {}, peer }),
  ],
  found: [{ name: 'memory', about: 'bytes', text: '1 session:\n  400 in all', verdicts: [], figures: {} }],
}

const block = `![CPU of a request over that of a bare Fastify route with the same answer](docs/bench.svg)

| request | CPU µs | over the floor | goal | Redis µs | round trips |
|---|---:|---:|---:|---:|---:|
| GET /verify | 55 | **1.10** [1.00 1.20] | ≤ 1.20 | 8.0 | 1 |
| GET /sign-in | 3500 | **70.00** [69.90 70.10] |  | 8.0 | 1 |

![The same beside what one could pick instead](docs/bench-peers.svg)

| instead | CPU µs | over the floor | beside verify | Redis µs | round trips |
|---|---:|---:|---:|---:|---:|
| GET /peer-a<b | 220 | **4.40** [4.30 4.50] | 4.0 times | 8.0 | 1 |

- bytes
  - 1 session:
  - 400 in all

1 of 2 goals are met; missed are:
- memory: 400 bytes, wanted ≤ 350 bytes

Medians of 16 rounds of 4 pairs of processes, quartiles in brackets; 64 connections; a crowd is 100,000 sessions. M, 2 cores; node 20; commit abc, 2026-11-22.`

t.test('the block of a result', async (t) => {
  t.equal(describeFigures(report), block)
  const met = describeFigures({ ...report, verdicts: report.verdicts.slice(0, 1), found: [] })
  t.match(met, '1 of 1 goals are met.\n')
})

t.test('it stands between its marks', async (t) => {
  const text = 'a\n<!-- figures -->\nold\n<!-- /figures -->\nb\n'
  t.equal(replaceBlock(text, 'new'), 'a\n<!-- figures -->\nnew\n<!-- /figures -->\nb\n')
  for (const without of ['a', '<!-- figures -->', `${text}${text}`])
    t.throws(() => replaceBlock(without, 'new'), /there must be one/)
})

t.test('charts are XML, and say the same in words', async (t) => {
  const { 'bench.svg': own, 'bench-peers.svg': beside = '' } = drawCharts(report)
  for (const svg of [own, beside]) t.equal(whatIsNotXml(svg), undefined)
  t.match(own, '<desc id="desc">verify: 1.10; sign-in: 70.00</desc>')
  t.match(own, />» 70.00</, 'what is beyond the edge is cut')
  t.match(own, />1.10</)
  t.equal(own.match(/stroke="#d3395b"/g)?.length, 1, 'one goal')
  t.match(beside, '>a&lt;b<')
  t.strictSame(
    [...beside.matchAll(/text-anchor="middle"[^>]*>(\d+)</g)].map(([, value]) => value),
    ['1', '2', '4', '8'],
  )
  t.notMatch(own, 'located', 'that is beside itself')
  t.strictSame(Object.keys(drawCharts({ ...report, results: report.results.slice(0, 2) })), ['bench.svg'])
})

t.test('a bar is as long as its value', async (t) => {
  const bars = [1, 2, 4].map((value) => ({ label: `${value}`, value }))
  const widthsOf = (kind: 'linear' | 'doubling') => {
    const scale = kind === 'linear' ? { kind, to: 5 } : { kind }
    const svg = drawChart({ title: '', description: '', bars, scale })
    return [...svg.matchAll(/<rect[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width))
  }
  t.strictSame(widthsOf('linear'), [100, 200, 400])
  t.strictSame(widthsOf('doubling'), [0, 250, 500])
})

/** Enough of XML for what has neither comments nor CDATA: elements that end, quoted attributes, no bare `&` or `<`. */
function whatIsNotXml(text: string): string | undefined {
  const open: string[] = []
  let at = 0
  for (const { 0: tag, 1: end, 2: name = '', 3: empty, index } of text.matchAll(
    /<(\/?)([a-z]+)(?: [\w:-]+="[^"<&]*")*(\/?)>/gi,
  )) {
    const between = text.slice(at, index)
    if (/[<>]|&(?!amp;|lt;|gt;)/.test(between)) return between
    at = index + tag.length
    if (end === '/') {
      if (open.pop() !== name) return tag
    } else if (empty !== '/') open.push(name)
  }
  return open.length === 0 && text.slice(at) === '\n' ? undefined : text.slice(at)
}
