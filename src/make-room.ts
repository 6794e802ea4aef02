/**
 * Forgets the oldest entries of `entries` when there are more than `most`. Which were used last is nothing to go by: it would have to be
 * noted with every look, and a look is all that the path of a request can afford.
 */
export function makeRoom(entries: Map<unknown, unknown>, most: number): void {
  if (entries.size <= most) return
  // So many at once, because to find the oldest is to step over all that were deleted before it.
  let left = Math.ceil(most / 256)
  for (const oldest of entries.keys()) {
    entries.delete(oldest)
    if (--left === 0) return
  }
}
