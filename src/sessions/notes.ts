/**
 * Notes of uses that wait to be written, one a session. What has been written rests for a while: a session that is used again
 * and again from one place costs its requests one look, and Redis one write a minute.
 */
import { LRUCache } from 'lru-cache'
import type { Lasting, Session, Use } from '../session.js'
import { cutUserAgent } from '../store/shared-facts.js'
import {
  catchUp,
  goBy,
  isFrom,
  isNotedBy,
  isUnwritten,
  type Kept,
  NEVER,
  type Note,
  noteOf,
  type Opened,
} from './note.js'
import { createRow } from './row.js'

export interface Notes {
  /**
   * Notes a use now; what is repeated from where it was written lately waits only after a rest. Where an answer lasts, another use
   * from the same place is noted in it, and nothing else is touched.
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

/** Programs that people use are some hundreds, and many come from one network: each text is in memory once, however many sessions have it. */
const SHARED_TEXTS = 2_000
const sharing = () => new LRUCache<string, string>({ max: SHARED_TEXTS, memoMethod: (text) => text })

/** @param most sessions that may wait, and that may rest; beyond it, those that do so longest are dropped, or rest no more */
export function createNotes({ most, restMs }: { most: number; restMs: number }): Notes {
  /** By handle. Each of them stands in one of the two rows. */
  const notes = new Map<string, Kept>()
  const waiting = createRow<Kept>()
  const resting = createRow<Kept>()
  const userAgents = sharing()
  const addresses = sharing()
  let noted = 0
  let dropped = 0

  function forget(note: Kept): void {
    goBy(note, undefined)
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
    catchUp(note)
    if (isUnwritten(note)) wait(note)
    else forget(note)
  }

  return {
    add(session, { ip, userAgent: whole }, opened, lasting) {
      noted += 1
      const userAgent = cutUserAgent(whole)
      if (opened === undefined && lasting !== undefined && isNotedBy(lasting, ip, userAgent)) return
      const last = lasting?.note
      const there = last?.row === undefined ? notes.get(session.handle) : last
      if (there !== undefined) {
        if (opened === undefined && isFrom(there, ip, userAgent)) {
          there.atMs = Date.now() // too late for a note that is just being written, whose time is as good
          if (lasting !== undefined) goBy(there, lasting)
          return
        }
        forget(there)
      }
      const isLast = last !== undefined && isFrom(last, ip, userAgent)
      const note = isLast ? last : noteOf(session, addresses.memo(ip), userAgents.memo(userAgent))
      note.atMs = Date.now()
      note.writtenMs = NEVER
      note.opened = opened ?? there?.opened
      notes.set(note.handle, note)
      goBy(note, lasting)
      wait(note)
    },

    pending(handle) {
      const note = notes.get(handle)
      if (note !== undefined) catchUp(note)
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
      for (let note = waiting.first; note !== undefined && some.length < count; note = note.after) {
        catchUp(note)
        some.push(note)
      }
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
      catchUp(now)
      if (now.lasting !== undefined) now.lasting.country = undefined
      now.writtenMs = now.atMs
      rest(now)
    },

    counts: () => ({ noted, waiting: waiting.size, dropped }),
  }
}
