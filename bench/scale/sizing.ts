/** What a core, a Redis and several instances carry, from a kept result: plain arithmetic on what was measured, and said so. */
import { table } from '../figures/figures.js'
import { quartiles } from '../quartiles.js'
import type { Report } from '../report.js'

/** What is worth a line, with words for it. */
const requests: Readonly<Record<string, string>> = {
  verify: 'forward auth, answered from memory',
  'verify-miss': 'a token that Redis is asked about',
  rotate: 'a rotation',
  'jwt-eddsa': 'a JWT (EdDSA), answered from memory',
  forged: 'a forged token',
  mixed: 'a mix as a gateway sends: 95 % verifications, 4 % rotations, 1 % the rest',
}
const CROWDS = [100_000, 1_000_000, 10_000_000]
const MIB = 2 ** 20
/** Below it, requests ask Redis for nothing: what it does is hear of uses, once a minute and session, and say that it is there. */
const LEAST_REDIS_MICROS = 2

/** @returns Markdown; what the result has no figure for is left out */
export function describeSizing(report: Report): string {
  const { found, machine, commit, date } = report
  const figure = (measurement: string, name: string): number | undefined =>
    found.find((one) => one.name === measurement)?.figures[name]
  return [
    ...carried(report, figure),
    ...memory(figure),
    ...others(figure),
    `Measured: ${machine}; commit ${commit}, ${date.slice(0, 10)}. The rest is arithmetic.`,
  ].join('\n')
}

type Figure = (measurement: string, name: string) => number | undefined

function carried({ results }: Report, figure: Figure): string[] {
  const rows = results.flatMap(({ name, rounds, redisMicros }) => {
    const words = requests[name]
    if (words === undefined) return []
    // Where there are many sessions, hardly any use is one that was noted already.
    const service = figure('crowded', `${name}: µs of the service`) ?? medianCpu(rounds)
    const redis = figure('crowded', `${name}: µs of Redis`) ?? redisMicros.median
    const ofRedis =
      redis < LEAST_REDIS_MICROS
        ? ['–', '–']
        : [`${rounded(1e6 / redis)} a second`, (service / redis).toFixed(1)]
    return [[words, service.toFixed(0), `${rounded(1e6 / service)} a second`, redis.toFixed(1), ...ofRedis]]
  })
  if (rows.length === 0) return []
  const ofService = ['µs of the service', 'a core carries']
  return table(['request', ...ofService, 'µs of Redis', 'one Redis carries', 'and feeds, cores'], rows)
}

const medianCpu = (rounds: Report['results'][number]['rounds']): number =>
  quartiles(rounds.map(({ service }) => service.cpuMicros)).median

function memory(figure: Figure): string[] {
  const bytes = figure('crowded', 'bytesPerSession')
  const ofAccounts = figure('crowded', 'bytesOfAccountsPerSession')
  if (bytes === undefined || ofAccounts === undefined) return []
  const mib = (sum: number) => `${rounded(sum / MIB)} MiB`
  const withAccounts = bytes + ofAccounts
  return table(
    [
      'sessions',
      `Redis, ${bytes.toFixed(0)} bytes each`,
      `with an account for every five, ${withAccounts.toFixed(0)}`,
    ],
    CROWDS.map((count) => [count.toLocaleString('en'), mib(count * bytes), mib(count * withAccounts)]),
  )
}

function others(figure: Figure): string[] {
  const worth = figure('workers', 'twoWorkersTimesOne')
  const idle = figure('start', 'idleRssMiB')
  const full = figure('soak', 'rssMiBLast')
  const start = figure('start', 'startMs')
  const single = figure('cluster', 'rotate: single carries')
  const cluster = figure('cluster', 'rotate: cluster carries')
  const lines: string[] = []
  if (worth !== undefined)
    lines.push(`Two workers on two cores carry ${worth.toFixed(2)} times what one does on one.`)
  if (idle !== undefined) lines.push(`An idle instance has ${idle.toFixed(0)} MiB resident.`)
  if (full !== undefined)
    lines.push(`After lasting load, with its memories filled, it has ${full.toFixed(0)} MiB.`)
  if (start !== undefined) lines.push(`It answers ${(start / 1000).toFixed(1)} s after it was started.`)
  if (single !== undefined && cluster !== undefined)
    lines.push(
      `A cluster of three masters carries ${(cluster / single).toFixed(1)} times the rotations of a single Redis.`,
    )
  return lines.length === 0 ? [] : [...lines.map((line) => `- ${line}`), '']
}

/** Two digits that count: more would promise what arithmetic cannot keep. */
function rounded(figure: number): string {
  return Number(figure.toPrecision(2)).toLocaleString('en')
}
