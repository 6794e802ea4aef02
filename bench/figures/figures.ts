/** A kept result as it is shown: charts, and the block of README.md. */
import type { Result } from '../harness.js'
import { quartiles } from '../quartiles.js'
import type { Report } from '../report.js'
import { type Chart, drawChart } from './chart.js'

export const BEGIN = '<!-- figures -->'
export const END = '<!-- /figures -->'

/** By the name of the file, in `docs/`. */
export interface Charts {
  readonly 'bench.svg': string
  readonly 'bench-peers.svg'?: string
}

const FLOOR = 'CPU of a request over that of a bare Fastify route with the same answer'
/** What is beyond is dear on purpose, or does the work of many requests. */
const CUT_AT = 5

const isOwn = ({ peer, against }: Result) => peer === undefined && against === undefined
const isPeer = ({ peer }: Result) => peer !== undefined

export function drawCharts({ results }: Report): Charts {
  const own = results.filter(isOwn)
  const peers = results.filter(isPeer)
  const scenarios = {
    title: FLOOR,
    description: described(own),
    bars: own.map(({ name, cpuRatio, goals }) => ({
      label: name,
      value: cpuRatio.median,
      goal: goals.cpuRatio,
    })),
    scale: { kind: 'linear', to: CUT_AT },
  } satisfies Chart
  if (peers.length === 0) return { 'bench.svg': drawChart(scenarios) }
  const compared = [...own.filter(({ name }) => name === 'verify' || name === 'rotate'), ...peers]
  const beside = {
    title: 'The same beside what one could pick instead; each line is twice the one before',
    description: described(compared),
    bars: [...compared]
      .sort((a, b) => a.cpuRatio.median - b.cpuRatio.median)
      .map(({ name, cpuRatio, peer }) => ({
        label: peer === undefined ? `Countersign, ${name}` : name.replace(/^peer-/, ''),
        value: cpuRatio.median,
        isOther: peer !== undefined,
      })),
    scale: { kind: 'doubling' },
  } satisfies Chart
  return { 'bench.svg': drawChart(scenarios), 'bench-peers.svg': drawChart(beside) }
}

const described = (results: readonly Result[]): string =>
  results.map(({ name, cpuRatio }) => `${name}: ${cpuRatio.median.toFixed(2)}`).join('; ')

/** @returns what stands between the two marks, without them */
export function describeFigures(report: Report): string {
  const { results, found, verdicts, machine, versions, commit, date, settings } = report
  const own = results.filter(isOwn)
  const peers = results.filter(isPeer)
  const missed = verdicts.filter(({ met }) => !met)
  const counted = settings.sessions.toLocaleString('en')
  return [
    `![${FLOOR}](docs/bench.svg)`,
    ...table(
      ['request', 'CPU µs', 'over the floor', 'goal', 'Redis µs', 'round trips'],
      own.map((result) => row(result, goalOf(result))),
    ),
    ...(peers.length === 0
      ? []
      : [
          '![The same beside what one could pick instead](docs/bench-peers.svg)',
          ...table(
            ['instead', 'CPU µs', 'over the floor', 'beside verify', 'Redis µs', 'round trips'],
            peers.map((result) => row(result, besideVerify(result, own))),
          ),
        ]),
    ...found.flatMap(({ about, text }) => [
      `- ${about}`,
      ...text.split('\n').map((line) => `  - ${line.trim()}`),
    ]),
    ...(found.length === 0 ? [] : ['']),
    `${verdicts.length - missed.length} of ${verdicts.length} goals are met${missed.length === 0 ? '.' : '; missed are:'}`,
    ...missed.map(({ goal, wanted, figure }) => `- ${goal}: ${figure}, wanted ${wanted}`),
    '',
    `Medians of ${settings.rounds} rounds of ${settings.pairs} pairs of processes, quartiles in brackets; ${settings.connections} connections; a crowd is ${counted} sessions. ${machine}; ` +
      `${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}; commit ${commit}, ${date.slice(0, 10)}.`,
  ].join('\n')
}

function row(result: Result, fourth: string): string[] {
  const { about, cpuRatio, redisMicros, roundTrips, rounds } = result
  const { q1, median, q3 } = cpuRatio
  return [
    about.replaceAll('|', '\\|'),
    quartiles(rounds.map(({ service }) => service.cpuMicros)).median.toFixed(0),
    `**${median.toFixed(2)}** [${q1.toFixed(2)} ${q3.toFixed(2)}]`,
    fourth,
    redisMicros.median.toFixed(1),
    String(roundTrips),
  ]
}

const goalOf = ({ goals }: Result) => (goals.cpuRatio === undefined ? '' : `≤ ${goals.cpuRatio.toFixed(2)}`)

/** By their ratios to the floor: how many times as dear as ours. */
function besideVerify({ cpuRatio }: Result, own: readonly Result[]): string {
  const verify = own.find(({ name }) => name === 'verify')
  return verify === undefined ? '' : `${(cpuRatio.median / verify.cpuRatio.median).toFixed(1)} times`
}

/** With an empty line before and after it. */
export function table(header: readonly string[], rows: readonly string[][]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const alignment = `|---|${'---:|'.repeat(header.length - 1)}`
  return ['', line(header), alignment, ...rows.map(line), '']
}

/** Puts a block between its marks. @throws Error when `text` has no such place */
export function replaceBlock(text: string, block: string): string {
  const [before, rest, ...more] = text.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined || more.length > 0) throw new Error(`there must be one ${BEGIN} … ${END}`)
  return `${before}${BEGIN}\n${block}\n${END}${after}`
}
