/** Several situations that the service may be in, under the same load in turns: what the machine does meanwhile, it does to all. */
import type { Bench } from '../harness.js'
import { quartiles } from '../quartiles.js'
import { type Counters, difference } from '../redis.js'
import { evenly, load, type Measured, type Side, warmUp } from '../sides.js'

export interface Situation {
  /** A few words. */
  readonly name: string
  readonly side: Side
  /** Of the Redis that it has; of several servers, their sums. */
  counters(): Promise<Counters>
}

/** Of one situation in one round, per request. */
export interface Cost {
  readonly service: Measured
  readonly redisMicros: number
  /** Script calls. */
  readonly scripts: number
}

/** @returns the rounds of each situation */
export async function takeTurns(situations: readonly Situation[], bench: Bench): Promise<Cost[][]> {
  const { warmUpRequests, seconds, rounds, signal, progress } = bench
  const requests: number[] = []
  for (const { name, side } of situations) {
    progress(`${name}, warming up`)
    const rate = await warmUp(side, warmUpRequests, signal)
    requests.push(evenly(side, rate * seconds))
  }
  const costs: Cost[][] = situations.map(() => [])
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`)
    const order = [...situations.entries()]
    if (round % 2 === 1) order.reverse()
    for (const [i, situation] of order) costs[i]?.push(await costOf(situation, requests[i] ?? 0, signal))
  }
  return costs
}

async function costOf({ side, counters }: Situation, requests: number, signal: AbortSignal): Promise<Cost> {
  const before = await counters()
  const service = await load(side, requests, signal)
  const { cpuMicros, calls } = difference(before, await counters())
  return { service, redisMicros: cpuMicros / requests, scripts: (calls.evalsha ?? 0) / requests }
}

/** @returns the median of a figure over rounds */
export const medianOf = (costs: readonly Cost[], pick: (cost: Cost) => number): number =>
  quartiles(costs.map(pick)).median

/** What a request costs there, in words. */
export function describeCosts(costs: readonly Cost[]): string {
  const service = medianOf(costs, ({ service }) => service.cpuMicros)
  const redis = medianOf(costs, ({ redisMicros }) => redisMicros)
  const scripts = medianOf(costs, (cost) => cost.scripts)
  return `${service.toFixed(1)} µs of the service, ${redis.toFixed(1)} µs of Redis, ${scripts.toFixed(2)} script calls a request`
}
