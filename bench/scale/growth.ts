/** Whether a request costs more where there is more of something. */
import { atMost, type Findings } from '../measurement.js'
import { type Quartiles, quartiles } from '../quartiles.js'
import { type Cost, describeCosts, medianOf } from './turns.js'

const GOAL = 1.05

/** What was measured in one situation, in turns with another. */
export interface Series {
  /** A few words. */
  readonly name: string
  readonly costs: readonly Cost[]
}

/** @returns CPU of a request where there is much over that where there is little; its goal is on service and Redis together */
export function growth(request: string, little: Series, much: Series): Findings {
  const ratios = (pick: (cost: Cost) => number) =>
    quartiles(much.costs.map((cost, i) => pick(cost) / pick(little.costs[i] ?? cost)))
  const both = ratios(({ service, redisMicros }) => service.cpuMicros + redisMicros)
  const service = ratios(({ service }) => service.cpuMicros)
  const redis = ratios(({ redisMicros }) => redisMicros)
  const goal = `${request}: CPU of service and Redis with ${much.name}, over ${little.name}`
  return {
    verdicts: [atMost(goal, GOAL, both.median, '')],
    text: [
      `${request}: ${inWords(both)} of the CPU; of the service's ${inWords(service)}, of Redis' ${inWords(redis)}`,
      ...[little, much].map(({ name, costs }) => `  ${name}: ${describeCosts(costs)}`),
    ].join('\n'),
    figures: {
      [`${request}: µs of the service`]: medianOf(much.costs, ({ service }) => service.cpuMicros),
      [`${request}: µs of Redis`]: medianOf(much.costs, ({ redisMicros }) => redisMicros),
      [`${request}: growth`]: both.median,
      [`${request}: growth of service`]: service.median,
      [`${request}: growth of Redis`]: redis.median,
    },
  }
}

const inWords = ({ q1, median, q3 }: Quartiles): string =>
  `${median.toFixed(2)} [${q1.toFixed(2)} ${q3.toFixed(2)}]`

/** Findings of several parts as one. */
export function together(parts: readonly Findings[]): Findings {
  return {
    verdicts: parts.flatMap(({ verdicts }) => verdicts),
    text: parts.map(({ text }) => text).join('\n'),
    figures: Object.assign({}, ...parts.map(({ figures }) => figures)),
  }
}
