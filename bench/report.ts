/** What a run leaves behind: where and on what it was made, its figures, and both as a table. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, cpus, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Bench, Result } from './harness.js'
import type { Findings, Measurement, Verdict } from './measurement.js'
import { quartiles } from './quartiles.js'
import type { Measured } from './sides.js'

const run = promisify(execFile)

export interface Origin {
  /** Of the checkout; ends in `-dirty` when files differ from it. `unknown` outside of one. */
  readonly commit: string
  readonly date: string
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
}

/** Another measurement with what it has found. */
export type Found = Pick<Measurement, 'name' | 'about'> & Findings

export interface Report extends Origin {
  readonly settings: Pick<Bench, 'rounds' | 'pairs' | 'seconds' | 'connections' | 'sessions'>
  readonly verdicts: readonly Verdict[]
  readonly results: readonly Result[]
  readonly found: readonly Found[]
}

export async function describeOrigin(redisVersion: string): Promise<Origin> {
  const git = async (...args: string[]) => (await run('git', args)).stdout.trim()
  const commit = async () => {
    const isDirty = (await git('status', '--porcelain', '--', 'src', 'bench', 'package-lock.json')) !== ''
    return `${await git('rev-parse', '--short=12', 'HEAD')}${isDirty ? '-dirty' : ''}`
  }
  const require = createRequire(import.meta.url)
  const version = async (name: string): Promise<string> =>
    JSON.parse(await readFile(require.resolve(`${name}/package.json`), 'utf8')).version
  const [cpu] = cpus()
  return {
    commit: await commit().catch(() => 'unknown'),
    date: new Date().toISOString(),
    machine: `${cpu?.model ?? arch()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()}`,
    versions: {
      node: process.versions.node,
      redis: redisVersion,
      fastify: await version('fastify'),
      ioredis: await version('ioredis'),
      autocannon: await version('autocannon'),
    },
  }
}

/** @returns the file's path; a result is kept under its commit */
export async function save(report: Report, dir: string): Promise<string> {
  await mkdir(dir, { recursive: true })
  const path = join(dir, `${report.commit}.json`)
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`)
  return path
}

/** @returns lines to print: the origin, one row a scenario, what the columns mean, and the goals with their verdicts */
export function describe({ commit, machine, versions, settings, results, found, verdicts }: Report): string {
  return [
    `${machine}`,
    `${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}; commit ${commit}`,
    ...(results.length === 0 ? [] : ['', ...tableOf(results, settings)]),
    ...found.flatMap(({ name, about, text }) => ['', `${name}: ${about}`, text]),
    ...(verdicts.length === 0 ? [] : ['', ...goalsOf(verdicts)]),
  ].join('\n')
}

function tableOf(results: readonly Result[], settings: Report['settings']): string[] {
  const { rounds, pairs, seconds, connections, sessions } = settings
  return [
    `${rounds} rounds of ${seconds} s a side, shared among ${pairs} pairs of processes, ${connections} connections; medians, quartiles in brackets; a crowd is ${sessions} sessions`,
    '',
    ...align([header, ...results.map(row)]),
    '',
    'ratio: CPU of the service over CPU of the floor, a bare Fastify route in a process of its own that gives the same answer.',
    "µs: CPU per request of the service, the floor and Redis. p50, p99 in ms at full load, the floor's behind the stroke.",
    'trips: round trips to Redis for one request. evalsha: script calls per request under load. bytes: of one answer, likewise.',
    ...results.map(({ name, about }) => `${name}: ${about}`),
  ]
}

function goalsOf(verdicts: readonly Verdict[]): string[] {
  const rows = verdicts.map(({ goal, wanted, figure, met }) => [goal, wanted, figure, met ? 'met' : 'MISSED'])
  const reached = verdicts.filter(({ met }) => met).length
  return [
    ...align([['goal', 'wanted', 'figure', 'verdict'], ...rows]),
    `${reached} of ${verdicts.length} met`,
  ]
}

const header = [
  'scenario',
  'ratio',
  'service µs',
  'floor µs',
  'Redis µs',
  'trips',
  'evalsha',
  'p50',
  'p99',
  'bytes',
]

function row({ name, cpuRatio, redisMicros, roundTrips, rounds }: Result): string[] {
  const median = (pick: (round: Result['rounds'][number]) => number) => quartiles(rounds.map(pick)).median
  const pair = (pick: (side: Measured) => number, digits: number) =>
    `${median(({ service }) => pick(service)).toFixed(digits)}/${median(({ floor }) => pick(floor)).toFixed(digits)}`
  return [
    name,
    `${cpuRatio.median.toFixed(2)} [${cpuRatio.q1.toFixed(2)} ${cpuRatio.q3.toFixed(2)}]`,
    median(({ service }) => service.cpuMicros).toFixed(1),
    median(({ floor }) => floor.cpuMicros).toFixed(1),
    redisMicros.median.toFixed(1),
    `${roundTrips}`,
    median(({ redis }) => redis.calls.evalsha ?? 0).toFixed(2),
    pair(({ p50Ms }) => p50Ms, 1),
    pair(({ p99Ms }) => p99Ms, 1),
    pair(({ bytes }) => bytes, 0),
  ]
}

/** Columns as wide as their widest cell; names to the left, figures to the right. */
function align(rows: readonly string[][]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
}
