/**
 * Notes of uses that wait to be written, one a session. What has been written rests for a while: a session that is used again
 * and again from one place costs its requests one `Map.get`, and Redis one write a minute.
 */
import { LRUCache } from 'lru-cache'
import type { Session, Use } from '../session.js'
import { cutUserAgent } from '../store/shared-facts.js'

export interface Note {
  uid: string
  tag: string
  handle: string
  use: Use
  /** ms since the epoch, by this machine's clock. */
  atMs: number
  /** Whether it is the use that opened the session, and whether somebody else did so for its owner. */
  opened: Opened | undefined
}

export type Opened = 'opened' | 'opened-for-another'

export interface Notes {
  /** Notes a use now; what is repeated from where it was written lately waits until that has rested. */
  add(session: Session, use: Use, opened: Opened | undefined): void
  /** What is noted of a session and not written yet. */
  pending(handle: string): Note | undefined
  /** Lets those wait that have rested and were used again; all that were used again, when `early`. @returns how many wait */
  wake(early: boolean): number
  /** The `count` that have waited longest; they wait on until they are settled. */
  first(count: number): Note[]
  /** What became of a note: written, it rests; lost, it is forgotten. A later use that was noted meanwhile waits on. */
  settle(note: Note, outcome: 'written' | 'lost'): void
  counts(): { noted: number; waiting: number; dropped: number }
}

interface Resting {
  note: Note
  /** Time of the use that is written. */
  writtenMs: number
  /** Monotonic ms. */
  untilMs: number
}

/** @param most sessions that may wait, and that may rest; beyond it the one that does so longest is dropped, or forgotten */
export function createNotes({ most, restMs }: { most: number; restMs: number }): Notes {
  /** By handle, both in the order in which they came. */
  const waiting = new Map<string, Note>()
  const resting = new LRUCache<string, Resting>({
    max: most,
    dispose(rested, _handle, reason) {
      if (reason === 'evict') waitAgain(rested)
    },
  })
  let noted = 0
  let dropped = 0

  function wait(note: Note): void {
    waiting.set(note.handle, note)
    if (waiting.size <= most) return
    const [oldest = ''] = waiting.keys()
    waiting.delete(oldest)
    dropped += 1
  }

  function waitAgain(rested: Resting): void {
    if (rested.note.atMs > rested.writtenMs && !waiting.has(rested.note.handle)) wait(rested.note)
  }

  return {
    add({ uid, tag, handle }, { ip, userAgent: whole }, opened) {
      noted += 1
      const userAgent = cutUserAgent(whole)
      const there = waiting.get(handle)
      const known = there ?? resting.peek(handle)?.note
      if (known !== undefined && opened === undefined && isFrom(known, ip, userAgent)) {
        known.atMs = Date.now() // too late for a note that is just being written, whose time is as good
        return
      }
      resting.delete(handle)
      wait({ uid, tag, handle, use: { ip, userAgent }, atMs: Date.now(), opened: opened ?? there?.opened })
    },

    pending(handle) {
      const rested = resting.peek(handle)
      return waiting.get(handle) ?? (rested && rested.note.atMs > rested.writtenMs ? rested.note : undefined)
    },

    wake(early) {
      const now = performance.now()
      for (const rested of resting.rvalues()) {
        if (rested === undefined || (!early && rested.untilMs > now)) break
        resting.delete(rested.note.handle)
        waitAgain(rested)
      }
      return waiting.size
    },

    first(count) {
      const notes: Note[] = []
      for (const note of waiting.values()) if (notes.push(note) === count) break
      return notes
    },

    settle(note, outcome) {
      const { handle } = note
      if (outcome === 'lost') dropped += 1
      const now = waiting.get(handle)
      if (now !== note) {
        if (now !== undefined) waiting.set(handle, { ...now, opened: undefined }) // it opened no session
        return
      }
      waiting.delete(handle)
      if (outcome === 'lost') return
      resting.set(handle, {
        note: { ...note, opened: undefined },
        writtenMs: note.atMs,
        untilMs: performance.now() + restMs,
      })
    },

    counts: () => ({ noted, waiting: waiting.size, dropped }),
  }
}

const isFrom = ({ use }: Note, ip: string, userAgent: string): boolean =>
  use.ip === ip && use.userAgent === userAgent
