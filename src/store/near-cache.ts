/**
 * Verification without Redis: what was accepted a moment ago is accepted again from process memory, as long as nothing
 * can have changed it. Keyed by the token as it was presented, so that a hit costs neither an HMAC nor a signature check.
 *
 * - Inside the rotation gap nothing but a revocation can change the outcome for the newest token, so there the cache is
 *   exact. Ages are counted from the *start* of the call to Redis, so that the local estimate is never younger than
 *   the truth. What a rotating session was told lives 5 s at most; the others, which do not change, minutes.
 * - A tombstone that was heard is remembered (`heard`): it settles what is in the cache already, and the race in which
 *   an older answer arrives after it. It is remembered for longer than any entry is good; should there be too many to
 *   remember, everything is forgotten at once (`generation`). An entry is held against them only when one was heard since
 *   it was last (`heardCount`).
 * - An account that was changed, suspended or cut off is told by a signal of its own, `@<uid hash>`: answers that
 *   were asked for before it are worth nothing any more.
 * - By the same, what was read of an account may be kept elsewhere (`holds`).
 * - All of it only under the lease of `invalidations.ts`. Without it, ask Redis.
 *
 * With many sessions a hit costs as much as the memory that it touches, which is in no processor's cache: one look into one
 * map (`token-map.ts`), one flat entry (`near-entry.ts`), which is the answer itself. So what is thrown out is drawn: which one
 * was used last would have to be noted with every hit.
 *
 * An entry whose time is over waits for the answer that says the same again. Then only its times are new, and what was made of it
 * (`Lasting`) is as good as before: to make all of that again every few minutes would leave the heap full of holes.
 */
import { LRUCache } from 'lru-cache'
import type { Mode } from '../session.js'
import { createTokenMap } from '../token-map.js'
import type { RedisClient } from './connect.js'
import { type Invalidations, openInvalidations } from './invalidations.js'
import { type Entry, entryOf, type Remembered, saysTheSame, type Ticket } from './near-entry.js'

export interface NearCache {
  /** What is known of `token` for `mode`; undefined: ask Redis. */
  get(token: string, mode: Mode): Remembered | undefined
  /** Call it before asking Redis. */
  begin(): Ticket
  /** Keeps an answer unless something was heard since `ticket` that concerns it. @returns it, as it will be given again */
  keep(token: string, ticket: Ticket, answer: Remembered): Remembered | undefined
  /** Whether what Redis has answered since `ticket` is still true of the account that `signal` tells of. */
  holds(ticket: Ticket, signal: string): boolean
  /** Hears at once of what this instance does itself: a handle that ended, or `@<uid hash>` of an account that changed. */
  hear(name: string): void
  counts(): NearCacheCounts
  close(): void
}

/** Totals since the start, but for `entries`, what there is now, and `leased`, whether they may be used now. */
export interface NearCacheCounts {
  hits: number
  misses: number
  leaseLosses: number
  refusedStale: number
  entries: number
  leased: boolean
}

export interface NearCacheOptions {
  redis: RedisClient
  maxEntries?: number
  leaseMs?: number
  heartbeatMs?: number
}

/** With their notes and what is rendered from them, about 1.5 KB each. */
const MAX_ENTRIES = 100_000
/** What is older is asked for again, whatever the session's own life. */
const LONGEST_MS = 300_000
/** Longer than an entry may be good and a call to Redis may take together. */
const HEARD_FOR_MS = 2 * LONGEST_MS
const MOST_HEARD = 100_000

/** Makes the near-cache of one Redis; it is of use as soon as its stream is up. */
export function createNearCache({ redis, maxEntries = MAX_ENTRIES, ...lease }: NearCacheOptions): NearCache {
  const entries = createTokenMap<Entry>(maxEntries)
  /** By handle, or `@<uid hash>`: when its tombstone or its signal was heard last. */
  const heard = new LRUCache<string, number>({
    max: MOST_HEARD,
    ttl: HEARD_FOR_MS,
    dispose(_at, _name, reason) {
      if (reason === 'evict') generation += 1
    },
  })
  let hits = 0
  let misses = 0
  let refusedStale = 0
  let generation = 0
  let heardCount = 0

  const invalidations: Invalidations = openInvalidations({
    redis,
    ...lease,
    onInvalidated(suffix) {
      if (suffix === undefined) {
        generation += 1
        return
      }
      hear(suffix.slice(suffix.indexOf(':') + 1))
    },
  })
  const currentGeneration = () => generation + invalidations.generation

  function hear(name: string): void {
    heard.set(name, performance.now())
    heardCount += 1
  }

  /** Whether something was heard that makes an answer to `ticket` worthless. */
  function isOverruled({ session, signal }: Remembered, ticket: Ticket): boolean {
    return heard.has(session.handle) || hasChanged(signal, ticket)
  }

  function hasChanged(signal: string, { startedAt }: Ticket): boolean {
    const changedAt = heard.get(signal)
    return changedAt !== undefined && changedAt >= startedAt
  }

  return {
    get(token, mode) {
      // Before anything is looked at: the processor finishes all that it has begun before it reads the clock.
      const now = performance.now()
      const entry = mode === 'force' ? undefined : entries.get(token)
      if (entry === undefined) {
        misses += 1
        return undefined
      }
      if (now < (mode === 'verify' ? entry.goodUntil : entry.notDueUntil) && invalidations.hasLease(now)) {
        const isCurrent = entry.generation === currentGeneration()
        if (isCurrent && (entry.heardCount === heardCount || !isOverruled(entry, entry))) {
          if (entry.heardCount !== heardCount) entry.heardCount = heardCount
          entry.givenAt = Math.floor(now)
          hits += 1
          return entry
        }
        refusedStale += 1
        entries.delete(token)
      } else if (mode === 'rotate' && now >= entry.goodUntil) entries.delete(token) // another may take its place
      misses += 1
      return undefined
    },
    begin: () => ({ startedAt: Math.floor(performance.now()), generation: currentGeneration() }),
    keep(presented, ticket, answer) {
      const { startedAt, generation } = ticket
      if (generation !== currentGeneration() || isOverruled(answer, ticket)) return undefined
      // Whole, as all numbers here: V8 keeps a small integer in the entry itself, and any other in a place of its own, another cache miss.
      const goodUntil = Math.floor(Math.min(answer.goodUntil, startedAt + LONGEST_MS))
      const notDueUntil = Math.floor(Math.min(answer.notDueUntil, goodUntil))
      const givenAt = Math.floor(performance.now())
      const times = { startedAt, generation, goodUntil, notDueUntil, heardCount, givenAt }
      const known = entries.get(presented)
      if (known !== undefined && saysTheSame(known, answer)) return Object.assign(known, times)
      const entry = entryOf(presented, answer, times)
      entries.add(entry)
      return entry
    },
    holds(ticket, signal) {
      const now = performance.now()
      return (
        now < ticket.startedAt + LONGEST_MS &&
        invalidations.hasLease(now) &&
        ticket.generation === currentGeneration() &&
        !hasChanged(signal, ticket)
      )
    },
    hear,
    counts: () => ({
      hits,
      misses,
      leaseLosses: invalidations.losses,
      refusedStale,
      entries: entries.size,
      leased: invalidations.hasLease(performance.now()),
    }),
    close: () => invalidations.close(),
  }
}
