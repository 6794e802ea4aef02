/** A session store on a pinned clock, and accounts whose sessions it keeps. Times and durations are ms. */
import { randomBytes } from 'node:crypto'
import type { Account } from '../../src/account.js'
import type { Kind, RotationPolicy, Use } from '../../src/session.js'
import { accountFields, formatAccount } from '../../src/store/account-record.js'
import type { RedisClient } from '../../src/store/connect.js'
import {
  accountKey,
  type Place,
  placeOf,
  sessionKey,
  sessionsOfKey,
  tombstoneKey,
} from '../../src/store/keys.js'
import { createSessionStore, type NewRecord, type SessionStore } from '../../src/store/sessions.js'

export const DAY_MS = 86_400_000
export const NOON_MS = 1_800_000_000_000

export const rotation: RotationPolicy = {
  rotateAfterMs: 5000,
  leewayMs: 10_000,
  reissueAfterMs: 60_000,
  reissues: 8,
  onReplay: 'revoke',
}
export const life = { idleMs: 14 * DAY_MS, absoluteMs: 90 * DAY_MS, maxSessions: 10 }
export const use: Use = { ip: '192.0.2.7', userAgent: 'curl/8.0' }

/** An account with its keys, for looking inside. */
export interface Owner extends Place {
  uid: string
  account: Account
  accountKey: string
  indexKey: string
}

/** A session that was opened, and its token's claim at any generation and branch. */
export interface Opened {
  tag: string
  handle: string
  key: string
  tombstone: string
  at(n: number, b?: number): { tag: string; handle: string; n: number; b: number }
}

export interface SessionWorld {
  store: SessionStore
  clock: { now: number }
  addAccount(): Promise<Owner>
  /** @throws Error when it was not opened */
  open(owner: Owner, wanted?: Partial<NewRecord> & { kind?: Kind }): Promise<Opened>
}

export interface SessionWorldOptions {
  rotation?: Partial<RotationPolicy>
  mostInFlight?: number
  /** Use Redis' own clock. */
  realTime?: boolean
}

export function createSessionWorld(redis: RedisClient, options: SessionWorldOptions = {}): SessionWorld {
  const clock = { now: NOON_MS }
  const store = createSessionStore({
    redis,
    rotation: { ...rotation, ...options.rotation },
    ...(options.realTime === true ? {} : { now: () => clock.now }),
    ...(options.mostInFlight === undefined ? {} : { mostInFlight: options.mostInFlight }),
  })
  return {
    store,
    clock,
    async addAccount() {
      const uid = `${randomBytes(6).toString('hex')}@example.com`
      const times = { createdAt: clock.now, updatedAt: clock.now }
      const account: Account = {
        id: 1,
        uid,
        provider: 'email',
        email: uid,
        attributes: {},
        roles: [],
        ...times,
      }
      const place = placeOf(uid)
      await redis.hset(accountKey(place), accountFields.doc, formatAccount(account))
      return { ...place, uid, account, accountKey: accountKey(place), indexKey: sessionsOfKey(place) }
    },
    async open({ tag, uid }, wanted = {}) {
      const handle = wanted.handle ?? newHandle()
      const opened = await store.open({
        tag,
        handle,
        uid,
        kind: 'rotating',
        scopes: [],
        use,
        life,
        ...wanted,
      })
      if (opened.verdict !== 'opened') throw new Error(`not opened: ${opened.verdict}`)
      const keys = { key: sessionKey(tag, handle), tombstone: tombstoneKey(tag, handle) }
      return { tag, handle, ...keys, at: (n, b = 0) => ({ tag, handle, n, b }) }
    },
  }
}

export const newHandle = (): string => randomBytes(16).toString('base64url')
