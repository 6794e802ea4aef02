/** What a scenario is: how the service is configured, what each connection says to it, and which figures it should reach. */

import type { Storage } from './population.js'

/** One HTTP request. A new one is a new object: the load generator builds its bytes again only then. */
export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** One connection's side of the talk. It may hold state: a rotating token follows its own chain. */
export interface Conversation {
  /** What is sent next; drawn anew each time, or what the last answer calls for. It is read once for each request. */
  readonly request: Request
  /** Judges the answer and takes what the next request needs from it. @returns what is wrong with it, if anything */
  receive(answer: Answer): string | undefined
}

/** What `npm run bench` prints a verdict on; what is absent has no goal. */
export interface Goals {
  /** CPU of the service over CPU of the floor (or of what it is compared with), per request. */
  readonly cpuRatio?: number
  /** CPU of Redis per request, microseconds. */
  readonly redisMicros?: number
  /** Round trips to Redis per request, one request at a time. */
  readonly roundTrips?: number
  /** CPU of the service beyond that of the floor, microseconds for each of so many parts of a request. */
  readonly beyondFloor?: { readonly parts: number; readonly part: string; readonly micros: number }
}

export type Environment = Readonly<Record<string, string>>

/** Somebody else's way of knowing whose a request is, as published: it is measured where the service would be. */
export interface Peer {
  /** Its program, from the root of the checkout: it reads `REDIS_URL`, and prints the address that it listens on. */
  readonly entry: string
  /** It asks a store for every request. */
  readonly stateful: boolean
  /** What a request asks of the store changes nothing in it. */
  readonly onlyReads: boolean
}

export interface Scenario {
  readonly name: string
  /** A few words for the table's legend. */
  readonly about: string
  readonly goals: Goals
  /** What is measured instead of the service. */
  readonly peer?: Peer
  /** What the service's environment has beside what every scenario has. `dir` is for files that it needs. */
  environment(dir: string): Environment | Promise<Environment>
  /** Where there are several sorts of requests: the one that the floor answers. */
  isTypical?(request: Request): boolean
  /** To compare with instead of the floor: the service itself, with this in its environment on top. */
  readonly against?: Environment
  /**
   * Prepares `connections` conversations with the service at `url`; every one of them, or every session that they draw from,
   * has been answered rightly once. `storage` is for sessions in great number.
   */
  open(url: string, connections: number, storage: Storage): Promise<Conversation[]>
}
