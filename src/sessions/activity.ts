/**
 * Where and on what sessions are used, off the request path: a request costs one `Map.set`, a timer writes what has
 * gathered. Each session is written once a flush, however often it was used; each new address is located once, and
 * stored once for all sessions at it. When Redis is away the notes wait, bounded; a session that has ended stays ended.
 */
import { LRUCache } from 'lru-cache'
import { StoreUnavailable } from '../errors.js'
import type { Audit } from '../event.js'
import { canonicalAddress, type Location } from '../location.js'
import type { Session, Use } from '../session.js'
import type { SessionStore } from '../store/sessions.js'
import { cutUserAgent, type SharedFacts } from '../store/shared-facts.js'
import { deviceInWords } from './devices.js'
import { createNewsWatch, type News, type Note, type Opened } from './news.js'

export interface Activity {
  /** Notes that `session` was used now, or (`opened`) opened. */
  note(session: Session, use: Use, opened?: Opened): void
  /** The country of an address that was located lately; ISO 3166-1 alpha-2. */
  countryOf(ip: string): string | undefined
  /** What is noted of a session and not written yet. */
  pending(handle: string): Note | undefined
  /** Writes what has gathered, or joins a flush that is under way. Never throws: what could not be written waits. */
  flush(): Promise<void>
  /** Flushes for the last time. */
  close(): Promise<void>
  /** For metrics: totals since the start, and how many notes wait now. */
  counts(): { noted: number; dropped: number; waiting: number }
}

export interface ActivityOptions {
  store: Pick<SessionStore, 'touch' | 'list'>
  facts: SharedFacts
  locate(ip: string): Location | undefined
  audit: Audit
  /** Told of what is new about a session, when it has been written. */
  tell(news: News): void
  /** Told of the first of several flushes that fail in a row. */
  onFault(fault: unknown): void
  flushMs?: number
  /** Sessions whose notes may wait; beyond it the one that has waited longest is dropped. */
  mostWaiting?: number
}

const FLUSH_MS = 1_000
const MOST_WAITING = 100_000
/** Notes that are written together; between two such parts of a flush, requests have their turn. */
const PART = 256
/** Addresses that need neither be located nor looked for in Redis, for a while. */
const REMEMBERED_ADDRESSES = 50_000
const REMEMBERED_MS = 10 * 60_000

/** Starts to gather; the timer that writes does not keep the process alive. */
export function createActivity(options: ActivityOptions): Activity {
  const {
    store,
    facts,
    locate,
    audit,
    tell,
    onFault,
    flushMs = FLUSH_MS,
    mostWaiting = MOST_WAITING,
  } = options
  /** Address → country, '' where a location has none. */
  const located = new LRUCache<string, string>({
    max: REMEMBERED_ADDRESSES,
    ttl: REMEMBERED_MS,
    allowStale: true,
    noDeleteOnStaleGet: true,
  })
  const countryOf = (ip: string) => located.get(ip) || undefined
  const watch = createNewsWatch({ store, facts, countryOf: (ip) => countryOf(ip) ?? locate(ip)?.countryCode })
  /** By handle. A note stays here until it is written. */
  const waiting = new Map<string, Note>()
  let flushing: Promise<void> | undefined
  let failing = false
  let noted = 0
  let dropped = 0

  async function saveLocations(ips: ReadonlySet<string>): Promise<void> {
    const wanted = [...ips].filter((ip) => !located.has(ip))
    const known = await facts.readLocations(wanted)
    const found = wanted.flatMap((ip) => {
      const stored = known.get(ip)
      if (stored?.fresh) return []
      const location = locate(ip)
      return location === undefined ? [] : [{ ...location, id: stored?.location.id }]
    })
    await facts.saveLocations(found)
    const stored = [...known.values()].map(({ location }) => location)
    for (const { ip, countryCode } of [...stored, ...found]) located.set(ip, countryCode ?? '')
  }

  async function write(notes: readonly Note[]): Promise<void> {
    await facts.saveUserAgents(new Set(notes.map(({ use }) => use.userAgent).filter((text) => text !== '')))
    await saveLocations(new Set(notes.map(({ use }) => use.ip)))
    const news = await watch.find(notes)
    await store.touch(notes)
    watch.remember(notes)
    for (const one of news) {
      const { uid, handle, use, country, device } = one
      const reasons = { 'session.new_location': country, 'session.new_device': deviceInWords(device) }
      for (const type of one.events) audit({ type, uid, handle, reason: reasons[type], ...use })
      tell(one)
    }
  }

  /** What is noted while it goes on is for the next flush. */
  async function flushAll(): Promise<void> {
    for (let left = waiting.size; left > 0; left -= PART) {
      const part = first(Math.min(left, PART), waiting)
      try {
        await write(part.map(([, note]) => inOneSpelling(note)))
        failing = false
      } catch (fault) {
        if (!failing) onFault(fault)
        failing = true
        if (fault instanceof StoreUnavailable) return
        dropped += part.length // it would fail again, and hold up all others
      }
      for (const [handle, note] of part) settle(handle, note)
    }
  }

  /** Takes out what has been written; a later use that was noted meanwhile opened no session. */
  function settle(handle: string, written: Note): void {
    const now = waiting.get(handle)
    if (now === written) waiting.delete(handle)
    else if (now !== undefined) waiting.set(handle, { ...now, opened: undefined })
  }

  function flush(): Promise<void> {
    flushing ??= flushAll().finally(() => {
      flushing = undefined
    })
    return flushing
  }

  const timer = setInterval(flush, flushMs)
  timer.unref()

  return {
    note({ uid, tag, handle }, { ip, userAgent }, opened) {
      noted += 1
      const there = waiting.get(handle)
      if (there !== undefined && opened === undefined && isFrom(there, ip, userAgent)) {
        there.atMs = Date.now() // too late for a note that is just being written, whose time is as good
        return
      }
      const openedBy = opened ?? there?.opened
      const use = { ip, userAgent: cutUserAgent(userAgent) }
      waiting.set(handle, { uid, tag, handle, use, atMs: Date.now(), opened: openedBy })
      if (waiting.size <= mostWaiting) return
      const [oldest = ''] = waiting.keys()
      waiting.delete(oldest)
      dropped += 1
    },
    countryOf: (ip) => countryOf(ip) ?? countryOf(canonicalAddress(ip)?.ip ?? ''),
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

const isFrom = ({ use }: Note, ip: string, userAgent: string): boolean =>
  use.ip === ip && use.userAgent === userAgent

/** @returns the `count` entries that have waited longest */
function first(count: number, notes: ReadonlyMap<string, Note>): [string, Note][] {
  const entries: [string, Note][] = []
  for (const entry of notes) if (entries.push(entry) === count) break
  return entries
}

/** Sockets and proxies spell one address in several ways; it is to be located and stored once. */
function inOneSpelling(note: Note): Note {
  const { userAgent, ip } = note.use
  return { ...note, use: { userAgent, ip: canonicalAddress(ip)?.ip ?? ip } }
}
