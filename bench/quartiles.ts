/** Median and quartiles: what a few noisy rounds can honestly say. */
export interface Quartiles {
  readonly q1: number
  readonly median: number
  readonly q3: number
}

/** @param values at least one, in any order */
export function quartiles(values: readonly number[]): Quartiles {
  const sorted = [...values].sort((a, b) => a - b)
  return { q1: quantile(sorted, 0.25), median: quantile(sorted, 0.5), q3: quantile(sorted, 0.75) }
}

/** @param sorted ascending, not empty; between two values it interpolates */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}
