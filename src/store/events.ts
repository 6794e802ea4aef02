/** The audit trail: one Redis stream, trimmed by length. Entries are flat fields, so that `XRANGE` in redis-cli reads well. */
import type { AuditEvent, RecordedEvent } from '../event.js'
import type { RedisClient } from './connect.js'
import { orUnavailable } from './faults.js'
import { eventsKey } from './keys.js'

/** About this many of the newest events are kept. */
const KEPT = 100_000
/** User agents are the client's own words: enough to recognise, not enough to flood. */
const LONGEST_TEXT = 512

export interface EventStore {
  /** @throws StoreUnavailable */
  append(event: AuditEvent): Promise<void>
  /**
   * Events in the order they happened, after the one with id `after` (from the oldest kept when absent).
   *
   * @throws StoreUnavailable
   */
  read(after: string | undefined, limit: number): Promise<RecordedEvent[]>
  /** The id of the newest event, `0-0` when there is none. */
  newest(): Promise<string>
}

/** Keeps the trail in one Redis. */
export function createEventStore({ redis }: { redis: RedisClient }): EventStore {
  return {
    async append(event) {
      const fields = Object.entries(event).flatMap(([name, value]) =>
        value === undefined ? [] : [name, String(value).slice(0, LONGEST_TEXT)],
      )
      await orUnavailable(redis.xadd(eventsKey, 'MAXLEN', '~', KEPT, '*', ...fields))
    },

    async read(after, limit) {
      const from = after === undefined ? '-' : `(${after}`
      const entries = await orUnavailable(redis.xrange(eventsKey, from, '+', 'COUNT', limit))
      return entries.map(([id, fields]) => toEvent(id, fields))
    },

    async newest() {
      const [entry] = await orUnavailable(redis.xrevrange(eventsKey, '+', '-', 'COUNT', 1))
      return entry?.[0] ?? '0-0'
    },
  }
}

function toEvent(id: string, fields: readonly string[]): RecordedEvent {
  const event: Record<string, string | number> = { id, at: Number(id.split('-')[0]) }
  for (let i = 0; i < fields.length; i += 2) {
    const [name = '', value = ''] = fields.slice(i, i + 2)
    event[name] = name === 'ended' ? Number(value) : value
  }
  return event as unknown as RecordedEvent // our own writing, by `append`
}
