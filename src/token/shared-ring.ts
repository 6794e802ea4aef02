/**
 * A ring of keys as all instances share it: one text in the store, sealed as a whole (`sealed.ts`). A dump of
 * the store opens nothing, and who can write to it can neither plant a key nor mix keys of different times.
 *
 * A step is a compare-and-set of that text against the one it was made from, so of all instances that find it due at
 * the same moment exactly one makes it; the others find its work.
 */
import { StoreUnavailable } from '../errors.js'
import type { Sealer } from './sealed.js'

/** Where the sealed ring is kept. Both functions throw StoreUnavailable. */
export interface KeyRecords {
  /** @returns the text last written, if any, and the time by the store's clock, ms since the epoch */
  read(): Promise<{ sealed: string | undefined; nowMs: number }>
  /** Writes `sealed` if the text there is still `seen`. @returns whether it was */
  replace(seen: string | undefined, sealed: string): Promise<boolean>
}

/** What a look at the ring found, and what it made of it: `before` is `ring` itself when nothing was due. */
export interface Look<Key> {
  before: readonly Key[]
  ring: readonly Key[]
  nowMs: number
}

/** @returns the ring as it should be at `nowMs`; `ring` itself when it is as it should be */
export type Turn<Key> = (ring: readonly Key[], nowMs: number) => Promise<readonly Key[]>

/** Every lost race is somebody else's step, and there are never that many to make at one time. */
const MAX_RACES = 10

/**
 * @returns a function that reads the ring and does what is due by `turn`. It throws StoreUnavailable, or an Error that
 * says what to mend when the text cannot be opened
 */
export function createSharedRing<Key>(
  records: KeyRecords,
  sealer: Sealer,
): (turn: Turn<Key>) => Promise<Look<Key>> {
  let known: { sealed: string | undefined; ring: readonly Key[] } = { sealed: undefined, ring: [] }

  /** A ring that has vanished (lost writes, FLUSHALL) is put back from memory, lest good tokens die with it. */
  function open(sealed: string | undefined): { ring: readonly Key[]; outdated: boolean } {
    if (sealed === undefined) return { ring: known.ring, outdated: known.ring.length > 0 }
    if (sealed === known.sealed) return { ring: known.ring, outdated: false }
    const { text, outdated } = sealer.open(sealed)
    return { ring: JSON.parse(text) as Key[], outdated } // our own writing, proved by the seal
  }

  return async (turn) => {
    for (let race = 0; race < MAX_RACES; race++) {
      const { sealed, nowMs } = await records.read()
      const { ring: before, outdated } = open(sealed)
      const ring = await turn(before, nowMs)
      if (ring === before && !outdated) {
        known = { sealed, ring }
        return { before, ring, nowMs }
      }
      const next = sealer.seal(JSON.stringify(ring))
      if (await records.replace(sealed, next)) {
        known = { sealed: next, ring }
        return { before, ring, nowMs }
      }
    }
    throw new StoreUnavailable(new Error('the key ring changed faster than it could be read'))
  }
}
