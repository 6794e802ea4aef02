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
  readonly rounds: number
  /** Verifications of each round. */
  readonly hits: number
}

/** What it prints: CPU of the process for one hit, microseconds, in each round. */
export type InProcessFigures = readonly number[]

const GOAL_MICROS = 1
const HITS = 300_000

export const inProcess: Measurement = {
  name: 'in-process',
  about: 'countersign/verify, requireAuth() answered from memory; sessions drawn from a crowd',
  async measure({ service, environment, redis, masterKeys, sessions, rounds, signal, progress }) {
    progress('sessions')
    const crowd = await populate({ redisUrl: redis.url, masterKeys }, 'fixed', sessions)
    progress('verifying')
    const task: InProcessTask = {
      entry: resolve(join(dirname(service), 'verify.js')),
      environment: {
        REDIS_URL: redis.url,
        COUNTERSIGN_KEYS: environment.COUNTERSIGN_KEYS ?? '',
        COUNTERSIGN_ISSUER: 'http://127.0.0.1',
      },
      sessions: crowd,
      rounds,
      hits: HITS,
    }
    const perHit: InProcessFigures = JSON.parse(
      await runProgram('in-process-loop', JSON.stringify(task), signal),
    )
    const micros = quartiles(perHit)
    const [q1, median, q3] = [micros.q1, micros.median, micros.q3].map((figure) => figure.toFixed(2))
    return {
      verdicts: [atMost('in-process verify, hit', GOAL_MICROS, micros.median, ' µs')],
      text: `${median} µs [${q1} ${q3}] of CPU a hit, ${sessions} sessions`,
      figures: { microsPerHit: micros.median },
    }
  },
}
