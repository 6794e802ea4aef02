/** `--only memory`: bytes of Redis memory a session. */

import type { Crowd } from './fill.js'
import { atMost, type Measurement } from './measurement.js'
import { measureMemory } from './memory.js'

const GOAL_BYTES = 350
const crowd: Crowd = {
  sessions: 100_000,
  sessionsAnAccount: 5,
  addresses: 20_000,
  cities: 4_000,
  userAgents: 500,
}

export const memory: Measurement = {
  name: 'memory',
  about: "what sessions take of Redis' memory",
  async measure({ redis, progress, signal }) {
    const stop = () => redis.stop() // which ends it
    signal.addEventListener('abort', stop)
    const measured = await measureMemory(redis.url, crowd, progress)
    signal.removeEventListener('abort', stop)
    const { accounts, json, ...parts } = measured
    const perSession = (bytes: number) => bytes / crowd.sessions
    const total = perSession(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0))
    const line = (bytes: number, what: string) => `${bytes.toFixed(1).padStart(8)}  ${what}`
    return {
      verdicts: [atMost('Redis memory a session, index included', GOAL_BYTES, total, ' bytes', 0)],
      text: [
        `${crowd.sessions} sessions; bytes of Redis memory a session:`,
        line(perSession(parts.sessions), 'records and the set of each account'),
        line(perSession(parts.userAgents), 'user agents'),
        line(perSession(parts.locations), 'locations'),
        line(total, 'in all'),
        line(perSession(json), 'as a JSON string a session, with the same facts in each'),
        line(perSession(accounts), 'beside it, the accounts with their login names and password hashes'),
      ].join('\n'),
      figures: { bytesPerSession: total, bytesPerSessionAsJson: perSession(json) },
    }
  },
}
