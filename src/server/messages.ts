/** What the primary and its workers say to each other. They may be of two releases, for as long as a restart takes. */
import type { Figures } from '../http/metrics.js'
import type { PrivateRedis } from './serve.js'

/** To a worker. Those with an `id` are answered by a report that has the same. */
export type Order =
  | { do: 'listen'; id: number; privateRedis: PrivateRedis | undefined }
  | { do: 'welcome'; id: number }
  | { do: 'count'; id: number }
  /** Begin to drain, as on SIGTERM. */
  | { do: 'drain' }
  | { do: 'leave' }
  /** Take no more connections, let those that there are come to their end, and leave. */
  | { do: 'retire' }
  /** The answer to `gather`. */
  | { do: 'render'; gathering: number; figures: Figures[] }

/** From a worker. */
export type Report =
  /** It hears orders from now on. */
  | { ready: true }
  | { done: number; figures?: Figures }
  | { failed: number; why: string }
  | { gather: number }
  /** What it had counted when it ended. */
  | { last: Figures }
