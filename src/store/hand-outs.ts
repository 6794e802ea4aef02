/** How far the sessions have come that this instance hands tokens out of: Redis may have lost the latest of it since. */
import { LRUCache } from 'lru-cache'

/** The latest of a session; it changes as more is noted. */
export interface HandOut {
  generation: number
  /** How many there are of that generation. */
  branches: number
}

export interface HandOuts {
  /** Of `handle`, where this instance made it, and not long ago. */
  latest(handle: string): HandOut | undefined
  /** Notes branch `b` of generation `n`; `latest` is what was found before it was asked for. */
  note(handle: string, latest: HandOut | undefined, n: number, b: number): void
}

/** Sessions, about 130 bytes each. It matters only while Redis may still lose that write. */
const REMEMBERED = 50_000

/** Makes the memory of one instance. */
export function createHandOuts(): HandOuts {
  const byHandle = new LRUCache<string, HandOut>({ max: REMEMBERED })
  return {
    latest: (handle) => byHandle.get(handle),
    note(handle, latest, n, b) {
      const known = latest ?? byHandle.get(handle) // two that came together found none
      if (known === undefined) {
        byHandle.set(handle, { generation: n, branches: b + 1 })
        return
      }
      if (n < known.generation || (n === known.generation && b < known.branches)) return // overtaken by a later one
      known.generation = n
      known.branches = b + 1
    },
  }
}
