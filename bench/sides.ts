/** The two sides of a comparison, the service and the floor under it, and what is measured of one under load. */
import { ask, drive } from './load.js'
import { quantile } from './quartiles.js'
import type { Answer, Conversation, Request } from './scenario.js'
import { type Subject, startFloor } from './subject.js'

/** A server with those who talk to it. */
export interface Side {
  readonly subject: Subject
  readonly conversations: readonly Conversation[]
}

/** A side under load. CPU and bytes of answers are per request. */
export interface Measured {
  readonly cpuMicros: number
  readonly bytes: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly requestsPerSecond: number
}

/** One request of the first conversation, beside the load. */
export async function exchange({ subject, conversations: [first] }: Side): Promise<Exchanged> {
  if (first === undefined) throw new Error('no connections')
  const { request } = first
  const answer = await ask(subject.url, request)
  const problem = first.receive(answer)
  if (problem !== undefined) throw new Error(problem)
  return { request, answer }
}

interface Exchanged {
  request: Request
  answer: Answer
}

/** Starts a floor that gives the service's own answer, and those who expect exactly that of it. */
export async function floorUnder(
  service: Side,
  isTypical: (request: Request) => boolean = () => true,
): Promise<Side> {
  let exchanged = await exchange(service)
  while (!isTypical(exchanged.request)) exchanged = await exchange(service)
  const { request, answer } = exchanged
  const { status, headers, body } = answer
  const subject = await startFloor({
    method: request.method,
    path: request.path,
    status,
    headers: ownHeaders(headers),
    ...(body !== '' && { json: JSON.parse(body) }),
  })
  const receive = (got: Answer) =>
    got.status === status && got.body === body ? undefined : `the floor: ${got.status} ${got.body}`
  return { subject, conversations: service.conversations.map((conversation) => asked(conversation)) }

  /** What is drawn anew for the service is for the floor, too; what the floor has no route for is not. */
  function asked(conversation: Conversation): Conversation {
    return {
      get request() {
        const drawn = conversation.request
        return drawn.method === request.method && drawn.path === request.path ? drawn : request
      },
      receive,
    }
  }
}

/** Without those that every HTTP server of Node sends by itself. */
function ownHeaders(headers: Answer['headers']): Record<string, string> {
  const byItself = new Set(['connection', 'keep-alive', 'date', 'content-length'])
  const own = Object.entries(headers).filter(([name]) => !byItself.has(name.toLowerCase()))
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]))
}

/** Dear requests are not repeated as often as cheap ones. */
const LONGEST_WARM_UP_SECONDS = 5
const FIRST_LOOK = 256

/**
 * Loads a side until the compiler is done with its route.
 *
 * @param requests about how many, fewer where they are dear
 * @returns how many it then answers in a second
 */
export async function warmUp(side: Side, requests: number, signal: AbortSignal): Promise<number> {
  const rateOf = async (wanted: number): Promise<number> => {
    const load = await drive(side.subject.url, side.conversations, evenly(side, wanted), signal)
    return (load.requests / load.durationMs) * 1000
  }
  const first = await rateOf(Math.min(requests, FIRST_LOOK))
  const wanted = Math.min(requests, first * LONGEST_WARM_UP_SECONDS)
  await rateOf(wanted)
  return rateOf(wanted / 4)
}

/** @returns a number of requests near `wanted` that all connections have the same share of */
export function evenly({ conversations }: Side, wanted: number): number {
  return conversations.length * Math.max(1, Math.round(wanted / conversations.length))
}

export async function load(
  { subject, conversations }: Side,
  requests: number,
  signal: AbortSignal,
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
