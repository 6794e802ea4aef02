/** Counts of what happened since the start, by name, for metrics. */
export interface Tally<Name extends string> {
  add(name: Name): void
  counts(): ReadonlyMap<Name, number>
}

/** @param names those that count from zero, so that a rate of them can be told from the first one on */
export function createTally<Name extends string>(names: readonly Name[] = []): Tally<Name> {
  const counts = new Map<Name, number>(names.map((name) => [name, 0]))
  return {
    add: (name) => void counts.set(name, (counts.get(name) ?? 0) + 1),
    counts: () => counts,
  }
}
