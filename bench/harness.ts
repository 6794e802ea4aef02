/**
 * The method. The service and the floor, each in a process of its own, take turns under the same load (A B, B A, A B, …):
 * what the machine does meanwhile, it does to both. A round gives one ratio of CPU per request, by the operating
 * system's accounting of each process; the result is the median of the rounds, with its quartiles.
 */
import { drive } from './load.js'
import { type Quartiles, quantile, quartiles } from './quartiles.js'
import { type BenchRedis, type Counters, difference } from './redis.js'
import type { Answer, Conversation, Scenario } from './scenario.js'
import { type Subject, startFloor, startService } from './subject.js'

export interface Bench {
  /** The service's entry point. */
  readonly entry: string
  /** What the service's environment has in every scenario. */
  readonly environment: Readonly<Record<string, string>>
  readonly redis: BenchRedis
  readonly rounds: number
  /** About how long each side is under load in a round. */
  readonly seconds: number
  readonly warmUpRequests: number
  readonly connections: number
  /** Takes a few words on what is going on. */
  progress(what: string): void
  /** Ends it early. */
  readonly signal: AbortSignal
}

/** A side under load. CPU and bytes of answers are per request. */
export interface Measured {
  readonly cpuMicros: number
  readonly bytes: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly requestsPerSecond: number
}

export interface Round {
  readonly service: Measured
  readonly floor: Measured
  /** Per request of the service. */
  readonly redis: Counters
}

export interface Result {
  readonly name: string
  /** CPU of the service over CPU of the floor. */
  readonly cpuRatio: Quartiles
  /** CPU of Redis for one request, microseconds. */
  readonly redisMicros: Quartiles
  /** Round trips to Redis for one request, when requests come one at a time. */
  readonly roundTrips: number
  /** Resident set of the service at the end. */
  readonly rssBytes: number
  readonly rounds: readonly Round[]
}

/** A subject with those who talk to it. */
interface Side {
  readonly subject: Subject
  readonly conversations: readonly Conversation[]
}

const PROBE_REQUESTS = 100

/** @throws Error when an answer was wrong */
export async function measure(scenario: Scenario, bench: Bench): Promise<Result> {
  bench.signal.throwIfAborted()
  bench.progress('starting')
  await bench.redis.clear()
  const subject = await startService(bench.entry, { ...bench.environment, ...scenario.environment })
  try {
    const conversations = await scenario.open(subject.url, bench.connections)
    const service = { subject, conversations }
    const roundTrips = await countRoundTrips(service, bench)
    const floor = await floorUnder(service, bench)
    try {
      return { name: scenario.name, roundTrips, ...(await compare(service, floor, bench)) }
    } finally {
      await floor.subject.stop()
    }
  } finally {
    await subject.stop()
  }
}

/** Redis counts its reads from sockets; while one request follows the other, each is one round trip. */
async function countRoundTrips({ subject, conversations }: Side, { redis, signal }: Bench): Promise<number> {
  const before = await redis.counters()
  await drive(subject.url, conversations.slice(0, 1), PROBE_REQUESTS, signal)
  const { reads } = difference(before, await redis.counters())
  return Math.round((10 * reads) / PROBE_REQUESTS) / 10
}

/** Starts a floor that gives the service's own answer, and those who expect exactly that of it. */
async function floorUnder(service: Side, { signal }: Bench): Promise<Side> {
  const [first] = service.conversations
  if (first === undefined) throw new Error('no connections')
  let known: Answer | undefined
  const { request } = first
  const listener: Conversation = {
    get request() {
      return first.request
    },
    receive(answer) {
      known = answer
      return first.receive(answer)
    },
  }
  await drive(service.subject.url, [listener], 1, signal)
  if (known === undefined) throw new Error('no answer')
  const { status, headers, body } = known
  const subject = await startFloor({
    method: request.method,
    path: request.path,
    status,
    headers: ownHeaders(headers),
    json: JSON.parse(body),
  })
  const receive = (answer: Answer) =>
    answer.status === status && answer.body === body
      ? undefined
      : `the floor: ${answer.status} ${answer.body}`
  return { subject, conversations: service.conversations.map(({ request }) => ({ request, receive })) }
}

/** Without those that every HTTP server of Node sends by itself. */
function ownHeaders(headers: Answer['headers']): Record<string, string> {
  const byItself = new Set(['connection', 'keep-alive', 'date', 'content-length'])
  const own = Object.entries(headers).filter(([name]) => !byItself.has(name.toLowerCase()))
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]))
}

async function compare(
  service: Side,
  floor: Side,
  bench: Bench,
): Promise<Omit<Result, 'name' | 'roundTrips'>> {
  const amounts = {
    service: await warmUp(service, bench),
    floor: await warmUp(floor, bench),
  }
  const rounds: Round[] = []
  for (let i = 0; i < bench.rounds; i++) {
    bench.progress(`round ${i + 1} of ${bench.rounds}`)
    const measureFloor = () => load(floor, amounts.floor, bench)
    const early = i % 2 === 1 ? await measureFloor() : undefined
    const before = await bench.redis.counters()
    const measured = await load(service, amounts.service, bench)
    const redis = perRequest(difference(before, await bench.redis.counters()), amounts.service)
    rounds.push({ service: measured, floor: early ?? (await measureFloor()), redis })
  }
  return {
    cpuRatio: quartiles(rounds.map(({ service, floor }) => service.cpuMicros / floor.cpuMicros)),
    redisMicros: quartiles(rounds.map(({ redis }) => redis.cpuMicros)),
    rssBytes: (await service.subject.usage()).rssBytes,
    rounds,
  }
}

/** Until the compiler is done with the route. @returns how many requests a round should have */
async function warmUp({ subject, conversations }: Side, bench: Bench): Promise<number> {
  bench.progress('warming up')
  const evenly = (requests: number) =>
    conversations.length * Math.max(1, Math.round(requests / conversations.length))
  await drive(subject.url, conversations, evenly(bench.warmUpRequests), bench.signal)
  const { requests, durationMs } = await drive(
    subject.url,
    conversations,
    evenly(bench.warmUpRequests / 4),
    bench.signal,
  )
  return evenly((requests / durationMs) * 1000 * bench.seconds)
}

async function load(
  { subject, conversations }: Side,
  requests: number,
  { signal }: Bench,
): Promise<Measured> {
  const before = await subject.usage()
  const { durationMs, bytes, latenciesMs } = await drive(subject.url, conversations, requests, signal)
  const after = await subject.usage()
  return {
    cpuMicros: (after.cpuMicros - before.cpuMicros) / requests,
    bytes: bytes / requests,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    requestsPerSecond: (requests / durationMs) * 1000,
  }
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
