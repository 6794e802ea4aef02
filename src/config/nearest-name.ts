/** Finds what somebody probably meant. */

/** @returns the known name with the fewest edits to `name`; the prefix does not count, so `COUNTERSIGN_PORT` is near `PORT` */
export function nearestName(name: string, known: readonly string[]): string {
  const bare = (text: string): string => text.replace('COUNTERSIGN_', '')
  const ranked = known.map((candidate) => ({ candidate, edits: editDistance(bare(name), bare(candidate)) }))
  return ranked.reduce((best, next) => (next.edits < best.edits ? next : best)).candidate
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)),
      )
    row = next
  }
  return row.at(-1) ?? 0
}
