/** What the near-cache keeps of an answer: all that a hit looks at, and what has been made of it, in one object. */
import { isDeepStrictEqual } from 'node:util'
import type { Grant, Lasting, Session } from '../session.js'
import type { Known } from '../token-map.js'

/** What may be answered again, and until when, in monotonic ms. */
export interface Remembered extends Grant {
  session: Session
  /** `@<uid hash>`, as the account's signal is named. */
  signal: string
  /** Good for `verify` before this. */
  goodUntil: number
  /** Good for `rotate`, which would hand out nothing yet, before this; never later than `goodUntil`. */
  notDueUntil: number
}

/** Taken before Redis is asked, so that what comes back can be judged by what was heard since. */
export interface Ticket {
  startedAt: number
  generation: number
}

interface Times extends Ticket, Pick<Remembered, 'goodUntil' | 'notDueUntil'>, Pick<Lasting, 'givenAt'> {
  /** How much had been heard when it was found to be good. */
  heardCount: number
}

/** A `Remembered` that is kept. */
export interface Entry extends Remembered, Times, Lasting, Known {}

const factsOf = ({ session, account, token }: Remembered) => [session, account, token]

/** @returns whether what was made of `known` may serve `answer` */
export const saysTheSame = (known: Entry, answer: Remembered): boolean =>
  isDeepStrictEqual(factsOf(known), factsOf(answer))

/**
 * @returns an entry for `answer`, with a place for all that will be made of it: V8 would put what is added later into one more
 * object. What every hit looks at comes first.
 */
export function entryOf(
  presented: string,
  { ok, session, account, token, rotated, signal }: Remembered,
  { goodUntil, notDueUntil, generation, heardCount, startedAt, givenAt }: Times,
): Entry {
  const entry: Entry = {
    number: 0,
    goodUntil,
    generation,
    heardCount,
    auth: undefined,
    identity: undefined,
    token,
    ok,
    rotated,
    session,
    usedIp: undefined,
    usedAgent: undefined,
    usedAt: 0,
    givenAt,
    lasting: undefined,
    country: undefined,
    presented,
    account,
    notDueUntil,
    tokenHeaders: undefined,
    verdict: undefined,
    introspected: undefined,
    note: undefined,
    signal,
    startedAt,
  }
  entry.lasting = entry
  return entry
}
