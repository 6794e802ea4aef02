/** The goals, one line each: what is wanted, what was found, and the verdict. */
import type { Result } from './harness.js'
import { atLeast, atMost, type Verdict } from './measurement.js'
import { quartiles } from './quartiles.js'

/** Against the cheapest peer of a sort, by their ratios to the floor, when both were measured in the same run. */
const comparisons = [
  {
    name: 'verify',
    times: 3,
    goal: 'verify: times cheaper than the cheapest stateful peer',
    isRival: ({ peer }: Result) => peer?.stateful === true,
  },
  {
    name: 'rotate',
    times: 2.5,
    goal: 'rotate: times cheaper than the cheapest peer that only reads',
    isRival: ({ peer }: Result) => peer?.stateful === true && peer.onlyReads,
  },
]

/** @returns a verdict on each goal that these results say something about */
export function verdictsOn(results: readonly Result[]): Verdict[] {
  return [...results.flatMap(ofOne), ...comparisons.flatMap((comparison) => compared(comparison, results))]
}

function ofOne({ name, goals, cpuRatio, redisMicros, roundTrips, rounds }: Result): Verdict[] {
  const { beyondFloor } = goals
  const verdicts: Verdict[] = []
  if (goals.cpuRatio !== undefined)
    verdicts.push(atMost(`${name}: CPU over the floor`, goals.cpuRatio, cpuRatio.median, ''))
  if (goals.redisMicros !== undefined)
    verdicts.push(atMost(`${name}: CPU of Redis`, goals.redisMicros, redisMicros.median, ' µs', 1))
  if (goals.roundTrips !== undefined)
    verdicts.push(atMost(`${name}: round trips to Redis`, goals.roundTrips, roundTrips, '', 0))
  if (beyondFloor !== undefined) {
    const beyond = rounds.map(
      ({ service, floor }) => (service.cpuMicros - floor.cpuMicros) / beyondFloor.parts,
    )
    const goal = `${name}: CPU beyond the floor, a ${beyondFloor.part}`
    verdicts.push(atMost(goal, beyondFloor.micros, quartiles(beyond).median, ' µs'))
  }
  return verdicts
}

function compared(
  { name, times, goal, isRival }: (typeof comparisons)[number],
  results: readonly Result[],
): Verdict[] {
  const own = results.find((result) => result.name === name)
  const rivals = results.filter(isRival).map(({ cpuRatio }) => cpuRatio.median)
  if (own === undefined || rivals.length === 0) return []
  return [atLeast(goal, times, Math.min(...rivals) / own.cpuRatio.median, '')]
}
