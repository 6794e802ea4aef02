/**
 * Notes of uses that wait to be written, one a session. What has been written rests for a while: a session that is used again
 * and again from one place costs its requests one look, and Redis one write a minute.
 */
import { LRUCache } from 'lru-cache'
import type { Lasting, Session, Use } from '../session.js'
import { cutUserAgent } from '../store/shared-facts.js'
import { createRow, type Standing } from './row.js'

export interface Note extends Use {
  uid: string
  tag: string
  handle: string
  /** ms since the epoch, by this machine's clock. */
  atMs: number
  /** Of the use, from the same place, that is written; `NEVER` when there is none. */
  writtenMs: number
  /** Whether it is the use that opened the session, and whether somebody else did so for its owner. */
  opened: Opened | undefined
}

export type Opened = 'opened' | 'opened-for-another'

declare module '../session.js' {
  interface Lasting {
    note?: Kept
  }
}

export interface Notes {
  /**
   * Notes a use now; what is repeated from where it was written lately waits only after a rest. Of an answer that lasts, the
   * note is found there the next time.
   */
  add(session: Session, use: Use, opened?: Opened, lasting?: Lasting): void
  /** What is noted of a session and not written yet. */
  pending(handle: string): Note | undefined
  /**
   * Ends the rest of those, `most` of them, that would have rested by `untilMs` (monotonic): who was used again waits, who was
   * not is forgotten. @returns how many there were
   */
  wake(most: number, untilMs: number): number
  /** The `count` that have waited longest; they wait on until they are settled. */
  first(count: number): Note[]
  /** What became of a note: written, it rests; lost, it is forgotten. A later use that was noted meanwhile waits on. */
  settle(note: Note, outcome: 'written' | 'lost'): void
  counts(): { noted: number; waiting: number; dropped: number }
}

/** A note as it is kept, among those that wait or those that rest. One in neither row is forgotten, and may be kept again. */
interface Kept extends Note, Standing<Kept> {
  /** For how long it rests, monotonic ms. */
  untilMs: number
}

/** Programs that people use are some hundreds; each is in memory once, however many sessions have it. */
const SHARED_USER_AGENTS = 2_000

/** A time, and like all times no small integer: V8 compiles `add` again and again, in vain, when a field has held both. */
export const NEVER = Number.NEGATIVE_INFINITY

const isUnwritten = ({ atMs, writtenMs }: Note) => atMs > writtenMs
const isFrom = (note: Note, ip: string, userAgent: string) => note.ip === ip && note.userAgent === userAgent

/** @param most sessions that may wait, and that may rest; beyond it, those that do so longest are dropped, or rest no more */
export function createNotes({ most, restMs }: { most: number; restMs: number }): Notes {
  /** By handle. Each of them stands in one of the two rows. */
  const notes = new Map<string, Kept>()
  const waiting = createRow<Kept>()
  const resting = createRow<Kept>()
  const userAgents = new LRUCache<string, string>({ max: SHARED_USER_AGENTS, memoMethod: (text) => text })
  let noted = 0
  let dropped = 0

  function forget(note: Kept): void {
    note.row?.leave(note)
    if (notes.get(note.handle) === note) notes.delete(note.handle)
  }

  function wait(note: Kept): void {
    waiting.join(note)
    if (waiting.size <= most || waiting.first === undefined) return
    forget(waiting.first)
    dropped += 1
  }

  function rest(note: Kept): void {
    note.untilMs = performance.now() + restMs
    resting.join(note)
    if (resting.size > most && resting.first !== undefined) endRest(resting.first)
  }

  function endRest(note: Kept): void {
    resting.leave(note)
    if (isUnwritten(note)) wait(note)
    else forget(note)
  }

  return {
    add(session, { ip, userAgent: whole }, opened, lasting) {
      noted += 1
      const userAgent = cutUserAgent(whole)
      const last = lasting?.note
      const there = last?.row === undefined ? notes.get(session.handle) : last
      if (there !== undefined) {
        if (lasting !== undefined && there !== last) lasting.note = there
        if (opened === undefined && isFrom(there, ip, userAgent)) {
          there.atMs = Date.now() // too late for a note that is just being written, whose time is as good
          return
        }
        forget(there)
      }
      const isLast = last !== undefined && isFrom(last, ip, userAgent)
      const note = isLast ? last : blank(session, ip, userAgents.memo(userAgent))
      note.atMs = Date.now()
      note.writtenMs = NEVER
      note.opened = opened ?? there?.opened
      notes.set(note.handle, note)
      if (lasting !== undefined) lasting.note = note
      wait(note)
    },

    pending(handle) {
      const note = notes.get(handle)
      return note !== undefined && isUnwritten(note) ? note : undefined
    },

    wake(most, untilMs) {
      let woken = 0
      for (; woken < most; woken++) {
        const note = resting.first
        if (note === undefined || note.untilMs > untilMs) break
        endRest(note)
      }
      return woken
    },

    first(count) {
      const some: Kept[] = []
      for (let note = waiting.first; note !== undefined && some.length < count; note = note.after)
        some.push(note)
      return some
    },

    settle(note, outcome) {
      if (outcome === 'lost') dropped += 1
      const now = notes.get(note.handle)
      if (now === undefined) return
      now.opened = undefined // a use that came later opened no session
      if (now !== note) return
      if (outcome === 'lost') return forget(now)
      now.row?.leave(now)
      now.writtenMs = now.atMs
      rest(now)
    },

    counts: () => ({ noted, waiting: waiting.size, dropped }),
  }
}

/** What every use looks at comes first. */
const blank = ({ uid, tag, handle }: Session, ip: string, userAgent: string): Kept => ({
  row: undefined,
  ip,
  userAgent,
  atMs: NEVER,
  writtenMs: NEVER,
  untilMs: NEVER,
  opened: undefined,
  uid,
  tag,
  handle,
  before: undefined,
  after: undefined,
})
