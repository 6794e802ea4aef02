/**
 * The method. The service and the floor, each in a process of its own, take turns under the same load (A B, B A, A B, …):
 * what the machine does meanwhile, it does to both. A round gives one ratio of CPU per request, by the operating
 * system's accounting of each process; the result is the median of the rounds, with its quartiles. Several pairs of processes
 * take part, one after the other. (Two services are compared with one another a little otherwise: `ratios.ts`.)
 */
import { setTimeout } from 'node:timers/promises'
import type { Storage } from './population.js'
import { type Quartiles, quartiles } from './quartiles.js'
import { countPairs, ratiosOf } from './ratios.js'
import { type BenchRedis, type Counters, difference } from './redis.js'
import type { Environment, Scenario } from './scenario.js'
import { evenly, exchange, floorUnder, load, type Measured, type Side, warmUp } from './sides.js'
import { startService } from './subject.js'

export interface Bench {
  /** Entry point of the service. */
  readonly service: string
  /** What the service's environment has in every scenario. */
  readonly environment: Environment
  /** For files. */
  readonly dir: string
  readonly redis: BenchRedis
  readonly rounds: number
  /** Of processes, service and floor, that the rounds are shared among: two that are alike may differ by a tenth for as long as they live. */
  readonly pairs: number
  /** About how long each side is under load in a round. */
  readonly seconds: number
  readonly warmUpRequests: number
  readonly connections: number
  /** How many sessions a crowd has. */
  readonly sessions: number
  /** In the form of `COUNTERSIGN_KEYS`. */
  readonly masterKeys: string
  /** Takes a few words on what is going on. */
  progress(what: string): void
  /** Ends it early. */
  readonly signal: AbortSignal
}

export interface Round {
  readonly service: Measured
  readonly floor: Measured
  /** Per request of the service. */
  readonly redis: Counters
}

export interface Result extends Pick<Scenario, 'name' | 'about' | 'goals' | 'peer' | 'against'> {
  /** CPU of the service over CPU of the floor. */
  readonly cpuRatio: Quartiles
  /** CPU of Redis for one request, microseconds. */
  readonly redisMicros: Quartiles
  /** Round trips to Redis for one request, when requests come one at a time. */
  readonly roundTrips: number
  /** Resident set of the service at the end, the largest. */
  readonly rssBytes: number
  readonly rounds: readonly Round[]
}

/** Odd, so that one of them is the middle. */
const PROBES = 21

/** Each pair begins with an empty Redis. @throws Error when an answer was wrong */
export async function measure(scenario: Scenario, bench: Bench): Promise<Result> {
  const pairs: Pair[] = []
  const count = countPairs(scenario, bench)
  for (let i = 0; i < count; i++) {
    const rounds = Math.floor((bench.rounds + i) / count) // together as many as asked for
    const progress = (what: string) =>
      bench.progress(count === 1 ? what : `pair ${i + 1} of ${count}, ${what}`)
    pairs.push(await measurePair(scenario, { ...bench, rounds, progress }, i % 2 === 1))
  }
  const rounds = pairs.flatMap(({ rounds }) => rounds)
  return {
    ...described(scenario),
    cpuRatio: quartiles(ratiosOf(scenario, pairs)),
    redisMicros: quartiles(rounds.map(({ redis }) => redis.cpuMicros)),
    roundTrips: Math.min(...pairs.map(({ roundTrips }) => roundTrips)),
    rssBytes: Math.max(...pairs.map(({ rssBytes }) => rssBytes)),
    rounds,
  }
}

/** What one service and one floor have shown. */
type Pair = Pick<Result, 'roundTrips' | 'rssBytes' | 'rounds'>

/** @param otherFirst whether it is the other service, where there are two, that fills Redis and its own memory first */
async function measurePair(scenario: Scenario, bench: Bench, otherFirst: boolean): Promise<Pair> {
  bench.progress('starting')
  await bench.redis.clear()
  const environment = { ...bench.environment, ...(await scenario.environment(bench.dir)) }
  const running: Side[] = []
  const begun = async (starting: Promise<Side>): Promise<Side> => {
    const side = await starting
    running.push(side)
    return side
  }
  const other = () => begun(startSide(scenario, { ...environment, ...scenario.against }, bench))
  try {
    const early = scenario.against && otherFirst ? await other() : undefined
    const service = await begun(startSide(scenario, environment, bench))
    await untilRedisRests(bench)
    const roundTrips = await countRoundTrips(service, bench)
    const late = () => (scenario.against ? other() : begun(floorUnder(service, scenario.isTypical)))
    const floor = early ?? (await late())
    if (scenario.against !== undefined) await untilRedisRests(bench)
    const rounds = await takeTurns(service, floor, bench)
    return { roundTrips, rssBytes: (await service.subject.usage()).rssBytes, rounds }
  } finally {
    for (const { subject } of running.reverse()) await subject.stop()
  }
}

const described = ({ name, about, goals, peer, against }: Scenario) => ({
  ...{ name, about, goals },
  ...(peer && { peer }),
  ...(against && { against }),
})

/** Starts a scenario's program and opens its conversations. */
export async function startSide(
  { open, peer }: Scenario,
  environment: Environment,
  bench: Bench,
  counting = false,
): Promise<Side> {
  const subject = await startService(peer?.entry ?? bench.service, environment, counting)
  try {
    await untilRedisRests(bench) // by then it has its stream of revocations: what it was asked before, it would not answer from memory
    return { subject, conversations: await open(subject.url, bench.connections, storageOf(bench)) }
  } catch (error) {
    await subject.stop()
    throw error
  }
}

function storageOf({ redis, masterKeys, sessions }: Bench): Storage {
  return { redisUrl: redis.url, masterKeys, sessions }
}

/** Longer than from one writing to the next: between them, Redis rests, too. */
const LOOK_MS = 1_200
/** Reads between two looks of a service that only makes sure that it hears of revocations. */
const AT_REST = 40
const MOST_LOOKS = 20

/** A service that has met a crowd writes where that was, for a while after its last answer: neither count nor time that. */
async function untilRedisRests({ redis, signal }: Bench): Promise<void> {
  for (let i = 0; i < MOST_LOOKS; i++) {
    const before = await redis.counters()
    await setTimeout(LOOK_MS, undefined, { signal })
    if (difference(before, await redis.counters()).reads <= AT_REST) return
  }
}

/**
 * Redis counts its reads from sockets: around a single request, each is one round trip. What the service asks by itself
 * meanwhile only adds to them, so the least of many counts is the request's own.
 */
async function countRoundTrips(side: Side, { redis, signal }: Bench): Promise<number> {
  const counts: number[] = []
  for (let i = 0; i < PROBES; i++) {
    signal.throwIfAborted()
    const before = await redis.counters()
    await exchange(side)
    counts.push(difference(before, await redis.counters()).reads)
  }
  return Math.min(...counts)
}

async function takeTurns(service: Side, floor: Side, bench: Bench): Promise<Round[]> {
  const { warmUpRequests, seconds, signal } = bench
  bench.progress('warming up')
  const serviceRate = await warmUp(service, warmUpRequests, signal)
  const floorRate = await warmUp(floor, warmUpRequests, signal)
  const requests = evenly(service, serviceRate * seconds)
  const floorRequests = evenly(floor, floorRate * seconds)
  const rounds: Round[] = []
  for (let i = 0; i < bench.rounds; i++) {
    bench.progress(`round ${i + 1} of ${bench.rounds}`)
    const measureFloor = () => load(floor, floorRequests, signal)
    const early = i % 2 === 1 ? await measureFloor() : undefined
    const before = await bench.redis.counters()
    const measured = await load(service, requests, signal)
    const redis = perRequest(difference(before, await bench.redis.counters()), requests)
    rounds.push({ service: measured, floor: early ?? (await measureFloor()), redis })
  }
  return rounds
}

function perRequest({ cpuMicros, reads, bytesIn, bytesOut, calls }: Counters, requests: number): Counters {
  const perCommand = Object.entries(calls).map(([name, count]) => [name, count / requests])
  return {
    cpuMicros: cpuMicros / requests,
    reads: reads / requests,
    bytesIn: bytesIn / requests,
    bytesOut: bytesOut / requests,
    calls: Object.fromEntries(perCommand),
  }
}
