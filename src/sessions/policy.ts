/** What kinds of session there are, as a table: how long each lives and how many of it an account may have. */
import type { Kind, LifePolicy } from '../session.js'

export type SessionPolicy = Readonly<Record<Kind, LifePolicy>>

export interface PolicyOptions {
  /** The configured life of rotating sessions. */
  life: LifePolicy
  /** The longest life of a JWT, ms. */
  longestJwtMs: number
}

const DAY_MS = 86_400_000
/** Half a year: what a Gigadrive token lives. */
const FIXED_LIFE_MS = 183 * DAY_MS
/** Far more than a person keeps; a bound on what one account can make us store. */
const MOST_JWTS = 1_000
/** For how long an expired JWT can still be seen in its owner's list. */
const EXPIRED_JWT_LINGERS_MS = DAY_MS

/** @returns one row a kind */
export function createPolicy({ life, longestJwtMs }: PolicyOptions): SessionPolicy {
  return {
    rotating: life,
    fixed: { idleMs: FIXED_LIFE_MS, absoluteMs: FIXED_LIFE_MS, maxSessions: life.maxSessions },
    jwt: {
      idleMs: longestJwtMs,
      absoluteMs: longestJwtMs,
      maxSessions: MOST_JWTS,
      lingerMs: EXPIRED_JWT_LINGERS_MS,
    },
  }
}
