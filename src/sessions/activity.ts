/**
 * Where and on what sessions are used, off the request path: a request costs one `Map.set`, a timer writes what has
 * gathered. Each session is written once a flush, however often it was used; each new address is located once, and
 * stored once for all sessions at it. When Redis is away the notes wait, bounded; a session that has ended stays ended.
 */
import { LRUCache } from 'lru-cache'
import type { Audit } from '../event.js'
import { canonicalAddress, type Location } from '../location.js'
import type { Session, Use } from '../session.js'
import type { SessionStore } from '../store/sessions.js'
import { cutUserAgent, type SharedFacts } from '../store/shared-facts.js'
import { createPlaceWatch, type Note } from './new-places.js'

export interface Activity {
  /** Notes that `session` was used now, or (`opened`) opened. */
  note(session: Session, use: Use, opened?: 'opened'): void
  /** The country of an address that was located lately; ISO 3166-1 alpha-2. */
  countryOf(ip: string): string | undefined
  /** What is noted of a session and not written yet. */
  pending(handle: string): Note | undefined
  /** Writes what has gathered, or joins a flush that is under way. Never throws: what could not be written waits. */
  flush(): Promise<void>
  /** Flushes for the last time. */
  close(): Promise<void>
  /** For metrics: totals since the start. */
  counts(): { noted: number; dropped: number; waiting: number }
}

export interface ActivityOptions {
  store: Pick<SessionStore, 'touch' | 'list'>
  facts: SharedFacts
  locate(ip: string): Location | undefined
  audit: Audit
  onFault(fault: unknown): void
  flushMs?: number
  /** Sessions whose notes may wait; beyond it the oldest is dropped. */
  mostWaiting?: number
}

const FLUSH_MS = 1_000
const MOST_WAITING = 100_000
const REMEMBERED_ADDRESSES = 50_000

/** Starts to gather; the timer that writes does not keep the process alive. */
export function createActivity(options: ActivityOptions): Activity {
  const { store, facts, locate, audit, onFault, flushMs = FLUSH_MS, mostWaiting = MOST_WAITING } = options
  const countries = new LRUCache<string, string>({ max: REMEMBERED_ADDRESSES })
  const findNewPlaces = createPlaceWatch({ store, locate })
  let waiting = new Map<string, Note>()
  let flushing: Promise<void> | undefined
  let noted = 0
  let dropped = 0

  function dropBeyond(bound: number): void {
    for (const oldest of waiting.keys()) {
      if (waiting.size <= bound) return
      waiting.delete(oldest)
      dropped += 1
    }
  }

  async function write(notes: readonly Note[]): Promise<void> {
    await facts.saveUserAgents(new Set(notes.map(({ use }) => use.userAgent).filter((text) => text !== '')))
    const ips = new Set(notes.map(({ use }) => use.ip))
    const known = await facts.readLocations(ips)
    const stale = [...ips].filter((ip) => !known.get(ip)?.fresh)
    const located = stale.map(locate).filter((location) => location !== undefined)
    await facts.saveLocations(located)
    for (const { ip, countryCode } of [...located, ...[...known.values()].map(({ location }) => location)])
      if (countryCode !== undefined) countries.set(ip, countryCode)
    const news = await findNewPlaces(notes)
    await store.touch(notes)
    for (const { uid, handle, use, country } of news)
      audit({ type: 'session.new-location', uid, handle, reason: country, ...use })
  }

  async function flushOnce(): Promise<void> {
    const notes = waiting
    waiting = new Map()
    try {
      await write([...notes.values()].map(inOneSpelling))
    } catch (fault) {
      onFault(fault)
      // What was noted meanwhile is newer.
      waiting = new Map([...notes, ...waiting])
      dropBeyond(mostWaiting)
    }
  }

  function flush(): Promise<void> {
    if (waiting.size === 0) return flushing ?? Promise.resolve()
    flushing ??= flushOnce().finally(() => {
      flushing = undefined
    })
    return flushing
  }

  const timer = setInterval(flush, flushMs)
  timer.unref()

  return {
    note({ uid, tag, handle }, { ip, userAgent }, opened) {
      noted += 1
      const isNew = opened !== undefined || waiting.get(handle)?.isNew === true
      const use = { ip, userAgent: cutUserAgent(userAgent) }
      waiting.set(handle, { uid, tag, handle, use, atMs: Date.now(), isNew })
      if (waiting.size > mostWaiting) dropBeyond(mostWaiting)
    },
    countryOf: (ip) => countries.get(ip) ?? countries.get(canonicalAddress(ip)?.ip ?? ''),
    pending: (handle) => waiting.get(handle),
    flush,
    async close() {
      clearInterval(timer)
      await flushing
      await flush()
    },
    counts: () => ({ noted, dropped, waiting: waiting.size }),
  }
}

/** Sockets and proxies spell one address in several ways; it is to be located and stored once. */
function inOneSpelling(note: Note): Note {
  const { userAgent, ip } = note.use
  return { ...note, use: { userAgent, ip: canonicalAddress(ip)?.ip ?? ip } }
}
