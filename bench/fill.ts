/** A crowd of sessions with all that they refer to, written by the service's own stores, and what it takes of Redis' memory. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { StoreUnavailable } from '../src/errors.js'
import { createAccountStore } from '../src/store/accounts.js'
import { placeOf } from '../src/store/keys.js'
import { createSessionStore } from '../src/store/sessions.js'
import { createSharedFacts } from '../src/store/shared-facts.js'
import { ipOf, locationOf, userAgentOf } from './memory-facts.js'

export interface Crowd {
  readonly sessions: number
  readonly sessionsAnAccount: number
  readonly addresses: number
  /** Cities (with postal codes) that the addresses lie in. */
  readonly cities: number
  readonly userAgents: number
}

/** Bytes of Redis memory. */
export interface Filled {
  readonly accounts: number
  /** Records, and the set of each account. */
  readonly sessions: number
  readonly userAgents: number
  readonly locations: number
}

const DAY_MS = 86_400_000
export const life = { idleMs: 14 * DAY_MS, absoluteMs: 90 * DAY_MS, maxSessions: 10 }
const rotation = {
  rotateAfterMs: 5e3,
  leewayMs: 1e4,
  reissueAfterMs: 6e4,
  reissues: 8,
  onReplay: 'revoke',
} as const
const AT_ONCE = 200
/** A quarter of a second each. */
const TRIES = 20
/** Sessions (and others) between two words on how far it is. */
export const PART = 10_000

/**
 * Writes a crowd with all that it refers to.
 *
 * @param beside is called before each part of the sessions: what else shall lie among them
 * @returns what each part of it takes
 */
export async function fill(
  redis: Redis,
  crowd: Crowd,
  progress: (what: string) => void,
  beside: () => Promise<void> = async () => undefined,
): Promise<Filled> {
  const { sessions, sessionsAnAccount, addresses, cities, userAgents } = crowd
  const store = createSessionStore({ redis, rotation })
  const accounts = createAccountStore({ redis })
  const facts = createSharedFacts({ redis })
  // Scripts, counters and empty tables are there before the first byte is counted.
  await addAccount('first@example.org')
  await openSession('first@example.org', 0)
  let used = await settled(redis)
  const grown = async () => {
    const before = used
    used = await settled(redis)
    return used - before
  }

  const count = Math.ceil(sessions / sessionsAnAccount)
  const telling = (of: number, what: string) => (done: number) => progress(`${what}, ${done} of ${of}`)
  await each(count, (i) => addAccount(uidOf(i * sessionsAnAccount, crowd)), telling(count, 'accounts'))
  await removeSignals(redis)
  const ofAccounts = await grown()
  const tellOfSessions = telling(sessions, 'sessions')
  await each(
    sessions,
    (i) => openSession(uidOf(i, crowd), i),
    async (done) => {
      tellOfSessions(done)
      await beside()
    },
  )
  const ofSessions = await grown()
  await facts.saveUserAgents(Array.from({ length: userAgents }, (_, i) => userAgentOf(i)))
  const ofUserAgents = await grown()
  const locate = (i: number) => facts.saveLocations([locationOf(ipOf(i), i, i % cities)])
  await each(addresses, locate, telling(addresses, 'locations'))
  const ofLocations = await grown()
  return { accounts: ofAccounts, sessions: ofSessions, userAgents: ofUserAgents, locations: ofLocations }

  async function addAccount(uid: string): Promise<void> {
    await accounts.create({ uid, provider: 'email', email: uid, attributes: {}, roles: [] }, PASSWORD_HASH)
  }

  async function openSession(uid: string, i: number): Promise<void> {
    const { tag } = placeOf(uid)
    const use = useOf(i, crowd)
    const record = { tag, handle: idOf(i), uid, kind: 'rotating' as const, scopes: [], use, life }
    const { verdict } = await store.open(record)
    if (verdict !== 'opened') throw new Error(`${uid}: ${verdict}`)
  }
}

export const uidOf = (i: number, { sessionsAnAccount }: Crowd): string =>
  `user${Math.floor(i / sessionsAnAccount)}@example.org`

export const useOf = (i: number, { addresses, userAgents }: Crowd) => ({
  ip: ipOf(i % addresses),
  userAgent: userAgentOf(i % userAgents),
})

const PASSWORD_HASH = `$argon2id$v=19$m=19456,t=2,p=1$${'s'.repeat(22)}$${'h'.repeat(43)}`

/** 22 characters of base64url. */
export function idOf(i: number): string {
  const bytes = Buffer.alloc(16, 0xa5)
  bytes.writeUInt32BE(Math.imul(i, 0x9e3779b1) >>> 0)
  return bytes.toString('base64url')
}

/** That an account has changed is said by a key that goes after a minute: in the middle of this, unless now. */
async function removeSignals(redis: Redis): Promise<void> {
  for await (const keys of redis.scanStream({ match: 'cs:rv:*', count: 1000 }))
    if (keys.length > 0) await redis.unlink(keys)
}

/** Calls `act`, which may be repeated, with 0, 1, … `count` − 1, some at once; again where Redis was too busy to answer in time. */
export async function each(
  count: number,
  act: (i: number) => Promise<unknown>,
  told: (done: number) => unknown = () => undefined,
): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < count) {
      const i = next++
      if (i % PART === 0) await told(i)
      await insist(() => act(i))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function insist(act: () => Promise<unknown>, tries = TRIES): Promise<unknown> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof StoreUnavailable) || tries === 1) throw error
    return insist(act, tries - 1)
  }
}

/** Looks, a tenth of a second apart. */
const STEADY = 30

/** Tables that grow are copied bit by bit in the background, and the old one goes at the end. @returns bytes in use when that is over */
export async function settled(redis: Redis): Promise<number> {
  const read = async () => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
  for (let before = await read(), same = 0; ; ) {
    await delay(100)
    const now = await read()
    same = Math.abs(now - before) < 4096 ? same + 1 : 0
    before = now
    if (same === STEADY) return now
  }
}
