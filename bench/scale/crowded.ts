/**
 * `--only crowded`: what requests cost when there are many sessions in Redis. Two servers, one with few and one with many; a service
 * on each; both take turns under the same load on equally many sessions, spread over all that there are.
 */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Crowd, type Filled, fill, PART } from '../fill.js'
import type { Bench } from '../harness.js'
import { atMost, type Findings, type Measurement } from '../measurement.js'
import { type Populated, populate, within } from '../population.js'
import { type BenchRedis, startBenchRedis } from '../redis.js'
import { sorts } from './asking.js'
import { growth, together } from './growth.js'
import { load } from './loading.js'
import { compareAt, type Place } from './places.js'

const FEW = 10_000
const GOAL_BYTES = 350
/** Sessions that requests are about; they count among the few. */
const ASKED_ABOUT = FEW / 2

const others = (sessions: number): number => sessions - ASKED_ABOUT

const crowdOf = (sessions: number): Crowd => ({
  sessions,
  sessionsAnAccount: 5,
  addresses: Math.ceil(sessions / 5),
  cities: Math.ceil(sessions / 25),
  userAgents: 500,
})

interface Filling extends Place {
  readonly filled: Filled
}

export const crowded: Measurement = {
  name: 'crowded',
  about: 'CPU of a request with many sessions in Redis over that with few, and what they take of its memory',
  async measure({ stored, ...bench }) {
    if (stored < FEW) throw new Error(`--stored must be ${FEW} at least`)
    const dir = join(bench.dir, 'few')
    await mkdir(dir)
    const redis = await startBenchRedis(dir, resolve('.cache/redis'))
    try {
      const few = await prepare(FEW, redis, bench)
      const many = await prepare(stored, bench.redis, bench)
      const parts: Findings[] = []
      for (const sort of sorts) {
        const [ofFew = [], ofMany = []] = await compareAt([few, many], sort, bench)
        parts.push(growth(sort.name, { ...few, costs: ofFew }, { ...many, costs: ofMany }))
      }
      return together([...parts, describeMemory(stored, many.filled)])
    } finally {
      await redis.stop()
    }
  },
}

async function prepare(count: number, redis: BenchRedis, bench: Bench): Promise<Filling> {
  const name = `${count.toLocaleString('en')} sessions`
  const storage = { redisUrl: redis.url, masterKeys: bench.masterKeys }
  const progress = (what: string) => {
    bench.signal.throwIfAborted()
    bench.progress(`${name}: ${what}`)
  }
  const sessions: Populated[] = []
  const portion = Math.ceil(ASKED_ABOUT / Math.ceil(others(count) / PART))
  const addPortion = async () => {
    sessions.push(...(await populate(storage, 'rotating', portion)))
  }
  const filled = await within(storage, (client) =>
    load(client, () => fill(client, crowdOf(others(count)), progress, addPortion)),
  )
  return { name, redisUrl: redis.url, counters: redis.counters, sessions, filled }
}

function describeMemory(sessions: number, { accounts, ...parts }: Filled): Findings {
  const perSession = (bytes: number) => bytes / sessions
  const total = perSession(parts.sessions + parts.userAgents + parts.locations)
  const rounded = (bytes: number) => perSession(bytes).toFixed(1)
  return {
    verdicts: [
      atMost(`Redis memory a session, of ${sessions}, index included`, GOAL_BYTES, total, ' bytes', 0),
    ],
    text: [
      `${sessions} sessions take ${total.toFixed(1)} bytes of Redis' memory each:`,
      `  record and the set of each account ${rounded(parts.sessions)}, user agents ${rounded(parts.userAgents)}, locations ${rounded(parts.locations)}; accounts take ${rounded(accounts)} beside it`,
    ].join('\n'),
    figures: { bytesPerSession: total, bytesOfAccountsPerSession: perSession(accounts) },
  }
}
