/** Sessions in great number, written by the service's own stores into the Redis of the bench. */
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { createAccountStore } from '../src/store/accounts.js'
import { placeOf } from '../src/store/keys.js'
import { createSessionStore } from '../src/store/sessions.js'
import { createCountersigner } from '../src/token/countersign.js'
import { parseMasterKeys } from '../src/token/master-keys.js'
import type { Opened } from './service-client.js'

/** What the service under measurement keeps its sessions in, and signs their tokens with. */
export interface Storage {
  readonly redisUrl: string
  /** In the form of `COUNTERSIGN_KEYS`. */
  readonly masterKeys: string
  /** How many a crowd is. */
  readonly sessions: number
}

export interface Populated extends Opened {
  /** The token that was replaced by the present one, if there was one. */
  readonly before: string
}

const SESSIONS_AN_ACCOUNT = 5
const AT_ONCE = 200
const DAY_MS = 86_400_000
const life = { idleMs: 14 * DAY_MS, absoluteMs: 90 * DAY_MS }
const use = {
  ip: '81.2.69.142',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
}
const FIRST_GENERATION = { rotating: 1, fixed: 0 } as const
/** Only until each rotating session has its second token: the service judges by its own. */
const rotation = {
  rotateAfterMs: 0,
  leewayMs: 0,
  reissueAfterMs: 6e4,
  reissues: 8,
  onReplay: 'revoke',
} as const

/**
 * Opens `count` sessions, some to an account. The token of a rotating one has been used once already, and replaced for it: it is
 * what a while of use begins with.
 *
 * @param anAccount how many of them each account has
 */
export function populate(
  storage: Omit<Storage, 'sessions'>,
  kind: 'rotating' | 'fixed',
  count: number,
  anAccount = SESSIONS_AN_ACCOUNT,
): Promise<Populated[]> {
  const lifeThere = { ...life, maxSessions: anAccount }
  return within(storage, async (redis) => {
    const uids = await createAccounts(redis, Math.ceil(count / anAccount))
    const store = createSessionStore({ redis, rotation })
    const countersigner = createCountersigner(parseMasterKeys(storage.masterKeys))
    return all(count, async (i) => {
      const uid = uids[Math.floor(i / anAccount)] as string // as many as are needed
      const claim = countersigner.begin(placeOf(uid).tag, FIRST_GENERATION[kind])
      const { tag, handle } = claim
      const { verdict } = await store.open({ tag, handle, uid, kind, scopes: [], life: lifeThere, use })
      if (verdict !== 'opened') throw new Error(`no session for ${uid}: ${verdict}`)
      const first = countersigner.mint(claim, claim.n, claim.b)
      if (kind === 'fixed') return { uid, handle, token: first, before: first }
      const used = await store.present({ ...claim, uidHash: undefined }, 'rotate')
      if (used.verdict !== 'rotated') throw new Error(`no second token for ${uid}: ${used.verdict}`)
      return { uid, handle, token: countersigner.mint(claim, used.n, used.b), before: first }
    })
  })
}

/** @returns the uids of `count` new accounts, all with the same password */
export function settle(
  storage: Pick<Storage, 'redisUrl'>,
  count: number,
  passwordHash: string,
): Promise<string[]> {
  return within(storage, (redis) => createAccounts(redis, count, passwordHash))
}

/** Runs `act` with a connection of its own. */
export async function within<T>(
  { redisUrl }: Pick<Storage, 'redisUrl'>,
  act: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis({ path: redisUrl.replace('unix://', '') })
  try {
    return await act(redis)
  } finally {
    redis.disconnect()
  }
}

function createAccounts(redis: Redis, count: number, passwordHash?: string): Promise<string[]> {
  const run = randomUUID()
  const accounts = createAccountStore({ redis })
  return all(count, async (i) => {
    const uid = `user${i}-${run}`
    const draft = { uid, provider: 'local', email: undefined, attributes: {}, roles: [] }
    const created = await accounts.create(draft, passwordHash)
    if (!created.ok) throw new Error(`no account ${uid}: ${created.code}`)
    return uid
  })
}

/** Calls `act` with 0, 1, … `count` − 1, some at once. @returns what it gave, in order */
async function all<T>(count: number, act: (i: number) => Promise<T>): Promise<T[]> {
  const results = new Array<T>(count)
  let next = 0
  const work = async () => {
    while (next < count) {
      const i = next++
      results[i] = await act(i)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, work))
  return results
}
