/** What kinds of session there are, as a table: how long each lives and how many of it an account may have. */
import type { Kind, LifePolicy } from '../session.js'

export type SessionPolicy = Readonly<Record<Kind, LifePolicy>>

const DAY_MS = 86_400_000
/** Half a year: what a Gigadrive token lives. */
const FIXED_LIFE_MS = 183 * DAY_MS
/** Far more than a person keeps; a bound on what one account can make us store. */
const MOST_TOKENS = 1_000

/** One row a kind. `life` is the configured life of rotating sessions; `longestJwtMs` bounds a JWT's. */
export function createPolicy(life: LifePolicy, longestJwtMs: number): SessionPolicy {
  return {
    rotating: life,
    fixed: { idleMs: FIXED_LIFE_MS, absoluteMs: FIXED_LIFE_MS, maxSessions: life.maxSessions },
    jwt: { idleMs: longestJwtMs, absoluteMs: longestJwtMs, maxSessions: MOST_TOKENS },
  }
}
