/**
 * One session's note: from where it was used last, and when. Where an answer is given again and again, that answer has what the next
 * use needs of it (`goBy`): the note itself is not looked at, which among many sessions would be a cache miss or two.
 */

import type { Lasting, Session, Use } from '../session.js'
import type { Standing } from './row.js'

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

/** A note as it is kept, among those that wait or those that rest. One in neither row is forgotten, and may be kept again. */
export interface Kept extends Note, Standing<Kept> {
  /** For how long it rests, monotonic ms. */
  untilMs: number
  /** The answer whose uses it goes by, beside its own time. */
  lasting: Lasting | undefined
}

declare module '../session.js' {
  interface Lasting {
    /** The note that went by this answer last. */
    note: Kept | undefined
    /** From where that note is; undefined when it does not go by this answer any more. */
    usedIp: string | undefined
    usedAgent: string | undefined
    /** The last use that the note has not caught up with, a `givenAt`; 0 when there is none. */
    usedAt: number
    /** Of the address, ISO 3166-1 alpha-2; null when it has none. Forgotten whenever the note is written. */
    country: string | null | undefined
  }
}

/** A time, and like all times of notes no small integer: V8 compiles what reads them again and again, in vain, when a field has held both. */
export const NEVER = Number.NEGATIVE_INFINITY

/** Notes that an answer was given for another use, from the same place, where `lasting` can tell that it is one. @returns whether it could */
export function isNotedBy(lasting: Lasting, ip: string, userAgent: string): boolean {
  if (lasting.usedIp !== ip || lasting.usedAgent !== userAgent) return false
  lasting.usedAt = lasting.givenAt
  return true
}

/** Takes over when the answer was used that a note goes by. */
export function catchUp(note: Kept): void {
  const { lasting } = note
  if (lasting === undefined || lasting.usedAt === 0) return
  const agoMs = Math.floor(performance.now()) - lasting.usedAt
  note.atMs = Math.max(note.atMs, Date.now() - agoMs)
  lasting.usedAt = 0
}

/** Lets a note go by `lasting` from now on; by nothing but its own time when that is undefined. */
export function goBy(note: Kept, lasting: Lasting | undefined): void {
  catchUp(note)
  if (note.lasting !== undefined) note.lasting.usedIp = undefined
  note.lasting = lasting
  if (lasting === undefined) return
  lasting.note = note
  lasting.usedIp = note.ip
  lasting.usedAgent = note.userAgent
  lasting.usedAt = 0
  lasting.country = undefined
}

export const isUnwritten = ({ atMs, writtenMs }: Note): boolean => atMs > writtenMs
export const isFrom = (note: Note, ip: string, userAgent: string): boolean =>
  note.ip === ip && note.userAgent === userAgent

/** @returns a note of no use yet, in no row */
export const noteOf = ({ uid, tag, handle }: Session, ip: string, userAgent: string): Kept => ({
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
  lasting: undefined,
})
