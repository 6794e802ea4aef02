/**
 * Where and on what sessions are used, off the request path: a request costs one note (`notes.ts`), a timer writes what has
 * gathered. Each session is written once a flush, however often it was used; each new address is located once, and
 * stored once for all sessions at it. When Redis is away the notes wait, bounded; a session that has ended stays ended.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { StoreUnavailable } from '../errors.js'
import type { Audit } from '../event.js'
import { canonicalAddress, type Location } from '../location.js'
import { makeRoom } from '../make-room.js'
import type { Lasting, Session, Use } from '../session.js'
import type { SessionStore } from '../store/sessions.js'
import type { SharedFacts } from '../store/shared-facts.js'
import { deviceInWords } from './devices.js'
import { createNewsWatch, type News } from './news.js'
import { NEVER, type Note, type Opened } from './note.js'
import { createNotes } from './notes.js'

export interface Activity {
  /** Notes that `session` was used now, or (`opened`) opened; `lasting` is that of the answer that says so, if it has one. */
  note(session: Session, use: Use, opened?: Opened, lasting?: Lasting): void
  /**
   * The country of an address that was located lately; ISO 3166-1 alpha-2. `lasting` is that of an answer to it whose use was
   * noted: what was found is kept there, too.
   */
  countryOf(ip: string, lasting?: Lasting): string | undefined
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
  /** For how long what is repeated from one place may wait, ms. */
  restMs?: number
  /** Sessions whose notes may wait; beyond it those that have waited longest are dropped. */
  mostWaiting?: number
}

interface Located {
  /** ISO 3166-1 alpha-2; undefined where there is none, or the address is in no database. */
  country: string | undefined
  /** Until when it is not looked for again, monotonic ms. */
  untilMs: number
}

const FLUSH_MS = 1_000
/**
 * Short beside the life of what only notes keep alive, sessions that do not rotate; about those that do, Redis is asked every
 * few seconds, which moves their end on.
 */
const REST_MS = 60_000
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
    restMs = REST_MS,
    mostWaiting = MOST_WAITING,
  } = options
  /** By address. */
  const located = new Map<string, Located>()
  const countryOf = (ip: string) => located.get(ip)?.country
  const watch = createNewsWatch({ store, facts, countryOf: (ip) => countryOf(ip) ?? locate(ip)?.countryCode })
  const notes = createNotes({ most: mostWaiting, restMs })
  let flushing: Promise<void> | undefined
  let failing = false

  async function saveLocations(ips: ReadonlySet<string>): Promise<void> {
    const now = performance.now()
    const wanted = [...ips].filter((ip) => (located.get(ip)?.untilMs ?? 0) <= now)
    const known = await facts.readLocations(wanted)
    const found = wanted.flatMap((ip) => {
      const stored = known.get(ip)
      if (stored?.fresh) return []
      const location = locate(ip)
      return location === undefined ? [] : [{ ...location, id: stored?.location.id }]
    })
    await facts.saveLocations(found)
    for (const ip of wanted) if (!located.has(ip)) located.set(ip, { country: undefined, untilMs: 0 })
    const stored = [...known.values()].map(({ location }) => location)
    for (const { ip, countryCode } of [...stored, ...found])
      located.set(ip, { country: countryCode, untilMs: now + REMEMBERED_MS })
    makeRoom(located, REMEMBERED_ADDRESSES)
  }

  async function write(part: readonly Note[]): Promise<void> {
    await facts.saveUserAgents(new Set(part.map(({ userAgent }) => userAgent).filter((text) => text !== '')))
    await saveLocations(new Set(part.map(({ ip }) => ip)))
    const firsts = part.filter(({ writtenMs }) => writtenMs === NEVER) // what is repeated is no news
    const news = await watch.find(firsts)
    await store.touch(part)
    watch.remember(firsts)
    for (const one of news) {
      const { uid, handle, ip, userAgent, country, device } = one
      const reasons = { 'session.new_location': country, 'session.new_device': deviceInWords(device) }
      for (const type of one.events) audit({ type, uid, handle, reason: reasons[type], ip, userAgent })
      tell(one)
    }
  }

  /** What is noted while it goes on is for the next flush. */
  async function flushAll(early: boolean): Promise<void> {
    const restedBy = performance.now() + (early ? restMs : 0)
    for (let left = notes.counts().waiting; ; left = Math.max(0, left - PART)) {
      const woken = notes.wake(PART, restedBy)
      left = Math.min(left + woken, notes.counts().waiting)
      if (left === 0) {
        if (woken === 0) return
        await turn() // to forget takes time, too
        continue
      }
      const part = notes.first(Math.min(left, PART))
      let outcome: 'written' | 'lost' = 'written'
      try {
        await write(part.map(inOneSpelling))
        failing = false
      } catch (fault) {
        if (!failing) onFault(fault)
        failing = true
        if (fault instanceof StoreUnavailable) return
        outcome = 'lost' // it would fail again, and hold up all others
      }
      for (const note of part) notes.settle(note, outcome)
    }
  }

  function flush(early: boolean): Promise<void> {
    flushing ??= flushAll(early).finally(() => {
      flushing = undefined
    })
    return flushing
  }

  const timer = setInterval(flush, flushMs, false)
  timer.unref()

  return {
    note: notes.add,
    countryOf(ip, lasting) {
      const answered = lasting?.usedIp === ip ? lasting : undefined
      if (answered?.country !== undefined) return answered.country ?? undefined
      const known = located.get(ip) ?? located.get(canonicalAddress(ip)?.ip ?? '')
      if (known !== undefined && answered !== undefined) answered.country = known.country ?? null
      return known?.country
    },
    pending: (handle) => notes.pending(handle),
    flush: () => flush(true),
    async close() {
      clearInterval(timer)
      await flushing
      await flush(true)
    },
    counts: () => notes.counts(),
  }
}

/** Sockets and proxies spell one address in several ways; it is to be located and stored once. */
function inOneSpelling(note: Note): Note {
  const ip = canonicalAddress(note.ip)?.ip ?? note.ip
  return ip === note.ip ? note : { ...note, ip }
}
