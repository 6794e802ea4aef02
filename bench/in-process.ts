/** `--only in-process`: what a verification costs a service that has `countersign/verify` in its own process. */
import { dirname, join, resolve } from 'node:path'
import { atMost, type Measurement } from './measurement.js'
import { populate } from './population.js'
import { quartiles } from './quartiles.js'
import { runProgram } from './subject.js'

/** What the program reads from its input. */
export interface InProcessTask {
  /** `verify.js` of the service. */
  readonly entry: string
  /** What the plugin is configured by. */
  readonly environment: Readonly<Record<string, string>>
  readonly sessions: readonly { readonly token: string; readonly handle: string }[]
  /** How many of them are drawn from; each number is measured by itself. */
  readonly crowds: readonly number[]
  readonly rounds: number
  /** Verifications of each round. */
  readonly hits: number
}

/** What it prints: for each crowd the CPU of the process for one hit, microseconds, in each round. */
export type InProcessFigures = readonly (readonly number[])[]

const GOAL_MICROS = 1
const HITS = 200_000
/** What is in the processor's caches, as the sessions are that a service meets at one time; with the whole crowd, memory has its price, too. */
const IN_CACHES = 1_000

export const inProcess: Measurement = {
  name: 'in-process',
  about: 'countersign/verify, requireAuth() answered from memory; sessions drawn from a crowd',
  async measure({ service, environment, redis, masterKeys, sessions, rounds, signal, progress }) {
    progress('sessions')
    const crowds = [...new Set([Math.min(IN_CACHES, sessions), sessions])]
    const task: InProcessTask = {
      entry: resolve(join(dirname(service), 'verify.js')),
      environment: {
        REDIS_URL: redis.url,
        COUNTERSIGN_KEYS: environment.COUNTERSIGN_KEYS ?? '',
        COUNTERSIGN_ISSUER: 'http://127.0.0.1',
      },
      sessions: await populate({ redisUrl: redis.url, masterKeys }, 'fixed', sessions),
      crowds,
      rounds,
      hits: HITS,
    }
    progress('verifying')
    const perHit: InProcessFigures = JSON.parse(
      await runProgram('in-process-loop', JSON.stringify(task), signal),
    )
    const found = crowds.map((size, i) => ({ size, micros: quartiles(perHit[i] ?? []) }))
    return {
      verdicts: found.map(({ size, micros }) =>
        atMost(`in-process verify, hit, ${size} sessions`, GOAL_MICROS, micros.median, ' µs'),
      ),
      text: found
        .map(({ size, micros: { q1, median, q3 } }) => {
          const [low, middle, high] = [q1, median, q3].map((figure) => figure.toFixed(2))
          return `${middle} µs [${low} ${high}] of CPU a hit, ${size} sessions`
        })
        .join('\n'),
      figures: Object.fromEntries(found.map(({ size, micros }) => [`microsPerHit${size}`, micros.median])),
    }
  },
}
