/**
 * `--only account-size`: what a request costs when its account has many sessions. Accounts with one and accounts with many are in
 * one Redis and asked about at one service in turns, one session of each.
 */
import type { Findings, Measurement } from '../measurement.js'
import { type Populated, populate } from '../population.js'
import { startService } from '../subject.js'
import { sorts } from './asking.js'
import { growth, together } from './growth.js'
import { type Situation, takeTurns } from './turns.js'

const MANY = 1_000

export const accountSize: Measurement = {
  name: 'account-size',
  about: 'CPU of a request whose account has many sessions over that of one whose account has no other',
  async measure(bench) {
    const { connections, redis, masterKeys } = bench
    const storage = { redisUrl: redis.url, masterKeys }
    const accountsOf = async (size: number): Promise<Populated[]> => {
      bench.progress(`accounts of ${size}`)
      const all = await populate(storage, 'rotating', connections * size, size)
      return all.filter((_, i) => i % size === 0)
    }
    const sizes = [
      { name: 'one session', sessions: await accountsOf(1) },
      { name: `${MANY.toLocaleString('en')} sessions`, sessions: await accountsOf(MANY) },
    ]
    const parts: Findings[] = []
    for (const { name, environment, asking } of sorts) {
      const more = await environment(bench.dir)
      const subject = await startService(bench.service, { ...bench.environment, ...more })
      try {
        const situations = sizes.map(
          (size): Situation => ({
            name: `${name}, ${size.name}`,
            side: { subject, conversations: asking(size.sessions, connections) },
            counters: redis.counters,
          }),
        )
        const [one = [], many = []] = await takeTurns(situations, bench)
        parts.push(
          growth(
            name,
            { name: 'one session an account', costs: one },
            { name: `${MANY} an account`, costs: many },
          ),
        )
      } finally {
        await subject.stop()
      }
    }
    return together(parts)
  },
}
