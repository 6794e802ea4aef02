/**
 * `--only workers`: what a second worker is worth. On two cores the load generator takes its share of them, so that requests
 * a second say as much of it as of the service. CPU time does not: a service that costs c µs of CPU a request, in all its
 * processes, carries n/c million requests a second on n cores that it has to itself. Two workers on two cores are
 * therefore worth 2·c₁/c₂ times one on one, where c₂ counts the primary, too. The load is a cheap one, so that workers are busy
 * all the time: a worker that waits in between does less in each turn of its event loop, and each request costs more.
 */

import { flood } from './flood.js'
import type { Bench } from './harness.js'
import { ask } from './load.js'
import { atLeast, type Measurement } from './measurement.js'
import { populate } from './population.js'
import { type Quartiles, quartiles } from './quartiles.js'
import { bytesOf } from './request-bytes.js'
import type { Request } from './scenario.js'
import { gatewayQuestion } from './scenarios/gateway-asking.js'
import { type Opened, withAdmin, withOwnToken } from './service-client.js'
import { type Subject, startService } from './subject.js'

const GOAL_TIMES = 1.8
/** Few enough for each worker to have seen them all after the warm-up. */
const SESSIONS = 1_000
const WORKERS = [1, 2] as const

/** A service of one worker or of several. */
interface Side {
  readonly subject: Subject
  /** Their bytes. */
  readonly requests: readonly Buffer[]
  /** CPU that all its processes have used since they were started. */
  cpuMicros(): Promise<number>
}

interface Measured {
  /** Per request. */
  readonly cpuMicros: number
  readonly requestsPerSecond: number
}

export const workers: Measurement = {
  name: 'workers',
  about: 'two workers beside one, GET /gateway/nginx answered from memory',
  async measure(bench) {
    bench.progress('sessions')
    const sessions = await populate(
      { redisUrl: bench.redis.url, masterKeys: bench.masterKeys },
      'fixed',
      SESSIONS,
    )
    const started: Side[] = []
    try {
      for (const count of WORKERS) started.push(await startSide(count, sessions, bench))
      const [one, two] = await takeTurns(started, bench)
      if (one === undefined || two === undefined) throw new Error('nothing was measured')
      const worth = quartiles(
        one.map(({ cpuMicros }, i) => (2 * cpuMicros) / (two[i]?.cpuMicros ?? Number.NaN)),
      )
      return {
        verdicts: [atLeast('two workers on two cores, times one on one', GOAL_TIMES, worth.median, '')],
        text: [
          `times one worker: ${inWords(worth)}`,
          describe('one worker', one),
          describe('two workers and their primary', two),
        ].join('\n'),
        figures: {
          twoWorkersTimesOne: worth.median,
          microsOne: cpuOf(one).median,
          microsTwo: cpuOf(two).median,
        },
      }
    } finally {
      for (const { subject } of started) await subject.stop()
    }
  },
}

async function startSide(count: number, sessions: readonly Opened[], bench: Bench): Promise<Side> {
  const environment = { ...bench.environment, ...withAdmin, COUNTERSIGN_WORKERS: String(count) }
  const subject = await startService(bench.service, environment)
  try {
    const server = new URL(subject.url)
    const requests = sessions.map((session) => bytesOf(server, gatewayQuestion(session).request))
    const ownMicros = async () => (await subject.usage()).cpuMicros
    if (count === 1) return { subject, requests, cpuMicros: ownMicros }
    const headers = await withOwnToken(subject.url)
    const cpuMicros = async () => (await ownMicros()) + (await cpuOfWorkers(subject.url, headers))
    return { subject, requests, cpuMicros }
  } catch (error) {
    await subject.stop()
    throw error
  }
}

/** By their own account: `/metrics` has the sum over all workers, without the primary. @returns microseconds */
async function cpuOfWorkers(url: string, headers: Request['headers']): Promise<number> {
  const { status, body } = await ask(url, { method: 'GET', path: '/metrics', headers })
  const seconds = Number(/^process_cpu_seconds_total (\S+)$/m.exec(body)?.[1])
  if (status !== 200 || !(seconds > 0)) throw new Error(`no figures of the workers: ${status}`)
  return seconds * 1e6
}

/** @returns what was measured of each side, round by round */
async function takeTurns(sides: readonly Side[], bench: Bench): Promise<Measured[][]> {
  const { warmUpRequests, seconds, rounds, signal, progress } = bench
  const rates: number[] = []
  for (const [i, side] of sides.entries()) {
    progress('warming up')
    // Each worker needs as much as one that is alone.
    await load(side, warmUpRequests * (i + 1), bench)
    rates.push((await load(side, warmUpRequests / 4, bench)).requestsPerSecond)
  }
  const measured: Measured[][] = sides.map(() => [])
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted()
    progress(`round ${round + 1} of ${rounds}`)
    const order = [...sides.entries()]
    if (round % 2 === 1) order.reverse()
    for (const [i, side] of order) measured[i]?.push(await load(side, (rates[i] ?? 0) * seconds, bench))
  }
  return measured
}

async function load({ subject, requests, cpuMicros }: Side, wanted: number, bench: Bench): Promise<Measured> {
  const { connections, signal } = bench
  const count = Math.ceil(wanted)
  const before = await cpuMicros()
  const durationMs = await flood(subject.url, requests, { connections, count, signal })
  const used = (await cpuMicros()) - before
  return { cpuMicros: used / count, requestsPerSecond: (count / durationMs) * 1000 }
}

const cpuOf = (rounds: readonly Measured[]): Quartiles => quartiles(rounds.map(({ cpuMicros }) => cpuMicros))

function describe(what: string, rounds: readonly Measured[]): string {
  const rate = quartiles(rounds.map(({ requestsPerSecond }) => requestsPerSecond)).median
  return `${what}: ${inWords(cpuOf(rounds), 1)} µs of CPU a request; ${rate.toFixed(0)} requests a second beside the load generator`
}

const inWords = ({ q1, median, q3 }: Quartiles, digits = 2): string =>
  `${median.toFixed(digits)} [${q1.toFixed(digits)} ${q3.toFixed(digits)}]`
