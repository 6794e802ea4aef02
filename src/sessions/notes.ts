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

interface Rest {
  /** The time of the use that is written. */
  writtenMs: number
  /** Monotonic ms. */
  untilMs: number
}

/** Programs that people use are some hundreds; each is in memory once, however many sessions have it. */
const SHARED_USER_AGENTS = 2_000

/** @param most sessions that may wait, and that may rest; beyond it the one that does so longest is dropped, or forgotten */
export function createNotes({ most, restMs }: { most: number; restMs: number }): Notes {
  /** By handle: those that wait and those that rest. */
  const notes = new Map<string, Note>()
  /** Both in the order in which they came. */
  const waiting = new Set<Note>()
  const resting = new Map<Note, Rest>()
  const userAgents = new LRUCache<string, string>({ max: SHARED_USER_AGENTS, memoMethod: (text) => text })
  let noted = 0
  let dropped = 0

  function forget(note: Note): void {
    waiting.delete(note)
    resting.delete(note)
    if (notes.get(note.handle) === note) notes.delete(note.handle)
  }

  function wait(note: Note): void {
    waiting.add(note)
    if (waiting.size <= most) return
    for (const oldest of waiting) {
      forget(oldest)
      dropped += 1
      break
    }
  }

  function wakeUp(note: Note, { writtenMs }: Rest): void {
    resting.delete(note)
    if (note.atMs > writtenMs) wait(note)
    else forget(note)
  }

  return {
    add({ uid, tag, handle }, { ip, userAgent: whole }, opened) {
      noted += 1
      const userAgent = cutUserAgent(whole)
      const there = notes.get(handle)
      if (there !== undefined) {
        if (opened === undefined && there.use.ip === ip && there.use.userAgent === userAgent) {
          there.atMs = Date.now() // too late for a note that is just being written, whose time is as good
          return
        }
        forget(there)
      }
      const use = { ip, userAgent: userAgents.memo(userAgent) }
      const note = { uid, tag, handle, use, atMs: Date.now(), opened: opened ?? there?.opened }
      notes.set(handle, note)
      wait(note)
    },

    pending(handle) {
      const note = notes.get(handle)
      const rest = note && resting.get(note)
      return rest !== undefined && note?.atMs === rest.writtenMs ? undefined : note
    },

    wake(early) {
      const now = performance.now()
      for (const [note, rest] of resting) {
        if (!early && rest.untilMs > now) break
        wakeUp(note, rest)
      }
      return waiting.size
    },

    first(count) {
      const oldest: Note[] = []
      for (const note of waiting) if (oldest.push(note) === count) break
      return oldest
    },

    settle(note, outcome) {
      if (outcome === 'lost') {
        dropped += 1
        forget(note)
      }
      const later = notes.get(note.handle)
      if (later !== note) {
        if (later !== undefined) later.opened = undefined // it opened no session
        return
      }
      waiting.delete(note)
      note.opened = undefined
      resting.set(note, { writtenMs: note.atMs, untilMs: performance.now() + restMs })
      if (resting.size <= most) return
      for (const [oldest, rest] of resting) {
        wakeUp(oldest, rest)
        break
      }
    },

    counts: () => ({ noted, waiting: waiting.size, dropped }),
  }
}
