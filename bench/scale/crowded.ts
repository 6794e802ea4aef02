/**
 * `--only crowded`: what requests cost when there are many sessions in Redis. Two servers, one with few and one with many; a service
 * on each; both take turns under the same load on equally many sessions, spread over all that there are.
 */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Redis } from 'ioredis'
import { type Crowd, type Filled, fill } from '../fill.js'
import type { Bench } from '../harness.js'
import { atMost, type Findings, type Measurement } from '../measurement.js'
import { type Populated, populate, within } from '../population.js'
import { type BenchRedis, startBenchRedis } from '../redis.js'
import { startService } from '../subject.js'
import { type Sort, sorts } from './asking.js'
import { growth, together } from './growth.js'
import { load } from './loading.js'
import { type Situation, takeTurns } from './turns.js'

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

/** A Redis with sessions in it, some of whose tokens we have. */
interface Store {
  readonly name: string
  readonly redis: BenchRedis
  readonly filled: Filled
  readonly sessions: readonly Populated[]
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
      for (const sort of sorts) parts.push(await compare(sort, [few, many], bench))
      return together([...parts, describeMemory(others(stored), many.filled)])
    } finally {
      await redis.stop()
    }
  },
}

async function prepare(count: number, redis: BenchRedis, bench: Bench): Promise<Store> {
  const name = `${count.toLocaleString('en')} sessions`
  const storage = { redisUrl: redis.url, masterKeys: bench.masterKeys }
  const progress = (what: string) => {
    bench.signal.throwIfAborted()
    bench.progress(`${name}: ${what}`)
  }
  const filling = (client: Redis) =>
    load(client, async () => ({
      filled: await fill(client, crowdOf(others(count)), progress),
      sessions: await populate(storage, 'rotating', ASKED_ABOUT),
    }))
  return { name, redis, ...(await within(storage, filling)) }
}

/** One sort of requests, few and many in turns. */
async function compare(
  sort: Sort,
  stores: readonly [few: Store, many: Store],
  bench: Bench,
): Promise<Findings> {
  const situations: Situation[] = []
  try {
    for (const store of stores) situations.push(await situationOf(store))
    const [few = [], many = []] = await takeTurns(situations, bench)
    const [{ name }, { name: otherName }] = stores
    return growth(sort.name, { name, costs: few }, { name: otherName, costs: many })
  } finally {
    for (const { side } of situations) await side.subject.stop()
  }

  async function situationOf(store: Store): Promise<Situation> {
    const more = { ...(await sort.environment(bench.dir)), REDIS_URL: store.redis.url }
    const subject = await startService(bench.service, { ...bench.environment, ...more })
    const { name, redis, sessions } = store
    const conversations = sort.asking(sessions, bench.connections)
    return { name: `${sort.name}, ${name}`, side: { subject, conversations }, counters: redis.counters }
  }
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
      `${sessions} sessions take ${total.toFixed(1)} bytes of Redis' memory each: record and the set of each account`,
      `  ${rounded(parts.sessions)}, user agents ${rounded(parts.userAgents)}, locations ${rounded(parts.locations)}; accounts take ${rounded(accounts)} beside it`,
    ].join('\n'),
    figures: { bytesPerSession: total, bytesOfAccountsPerSession: perSession(accounts) },
  }
}
