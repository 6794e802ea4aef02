/** How many pairs of processes take part in a comparison, and what their rounds come to. */
import type { Bench, Round } from './harness.js'
import type { Scenario } from './scenario.js'

type Compared = Pick<Scenario, 'against'>

/** Two services differ by little: each round of theirs is a pair of its own, and each of them is the first to start as often as the other. */
export function countPairs(
  { against }: Compared,
  { pairs, rounds }: Pick<Bench, 'pairs' | 'rounds'>,
): number {
  return against === undefined ? Math.min(pairs, rounds) : Math.max(1, rounds - (rounds % 2))
}

/**
 * @returns CPU of the service over that of the floor, round by round. Of two services, the one that was started first is dearer by up
 * to a tenth, whichever it is: so a pair in which that was the service goes together with the next one, in which it was not, by their
 * geometric mean.
 */
export function ratiosOf(
  { against }: Compared,
  pairs: readonly { readonly rounds: readonly Pick<Round, 'service' | 'floor'>[] }[],
): number[] {
  const ratios = pairs.map(({ rounds }) =>
    rounds.map(({ service, floor }) => service.cpuMicros / floor.cpuMicros),
  )
  if (against === undefined || pairs.length < 2) return ratios.flat()
  const means = ratios.map(geometricMean)
  return means.flatMap((_, i) => (i % 2 === 1 ? [geometricMean(means.slice(i - 1, i + 1))] : []))
}

const geometricMean = (ratios: readonly number[]): number =>
  Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length)
