/**
 * What sessions take of Redis' memory, by Redis' own account of it, beside a JSON string per session as connect-redis
 * stores it. Everything is written by the service's own store; what they share is stored once.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Location } from '../src/location.js'
import { createAccountStore } from '../src/store/accounts.js'
import { placeOf } from '../src/store/keys.js'
import { createSessionStore } from '../src/store/sessions.js'
import { createSharedFacts } from '../src/store/shared-facts.js'
import { countries, userAgentOf } from './memory-facts.js'

export interface Crowd {
  readonly sessions: number
  readonly sessionsAnAccount: number
  readonly addresses: number
  /** Cities (with postal codes) that the addresses lie in. */
  readonly cities: number
  readonly userAgents: number
}

/** Bytes of Redis memory. */
export interface Memory {
  readonly accounts: number
  /** Records, and the set of each account. */
  readonly sessions: number
  readonly userAgents: number
  readonly locations: number
  /** As JSON strings, with the same facts in each. */
  readonly json: number
}

const DAY_MS = 86_400_000
const life = { idleMs: 14 * DAY_MS, absoluteMs: 90 * DAY_MS, maxSessions: 10 }
const rotation = {
  rotateAfterMs: 5e3,
  leewayMs: 1e4,
  reissueAfterMs: 6e4,
  reissues: 8,
  onReplay: 'revoke',
} as const
const AT_ONCE = 200

/** @param redisUrl of a private server, `unix://…`; it is emptied */
export async function measureMemory(
  redisUrl: string,
  { sessions, sessionsAnAccount, addresses, cities, userAgents }: Crowd,
  progress: (what: string) => void,
): Promise<Memory> {
  const redis = new Redis({ path: redisUrl.replace('unix://', '') })
  const uidOf = (i: number) => `user${Math.floor(i / sessionsAnAccount)}@example.org`
  const useOf = (i: number) => ({ ip: ipOf(i % addresses), userAgent: userAgentOf(i % userAgents) })
  try {
    await redis.flushall()
    const store = createSessionStore({ redis, rotation })
    const accounts = createAccountStore({ redis })
    const facts = createSharedFacts({ redis })
    // Scripts, counters and empty tables are there before the first byte is counted.
    await openSession('first@example.org', 0)
    let used = await settled(redis)
    const grown = async () => {
      const before = used
      used = await settled(redis)
      return used - before
    }

    progress('accounts')
    await each(sessions / sessionsAnAccount, (i) => addAccount(uidOf(i * sessionsAnAccount)))
    await removeSignals(redis)
    const ofAccounts = await grown()
    progress('sessions')
    await each(sessions, (i) => openSession(uidOf(i), i))
    const ofSessions = await grown()
    progress('user agents and locations')
    await facts.saveUserAgents(Array.from({ length: userAgents }, (_, i) => userAgentOf(i)))
    const ofUserAgents = await grown()
    const locations = Array.from({ length: addresses }, (_, i) => locationOf(ipOf(i), i, i % cities))
    await facts.saveLocations(locations)
    const ofLocations = await grown()

    progress('JSON')
    await redis.flushall()
    used = await settled(redis)
    await each(sessions, (i) => {
      const { city, regionName, countryName } = locations[i % addresses] as Location // one an address
      const id = idOf(i) + idOf(i).slice(0, 10) // 32 characters, as express-session makes them
      const json = asJson({ uid: uidOf(i), ...useOf(i), city, regionName, countryName })
      return redis.set(`sess:${id}`, json, 'EX', life.idleMs / 1000)
    })
    const json = await grown()
    return {
      accounts: ofAccounts,
      sessions: ofSessions,
      userAgents: ofUserAgents,
      locations: ofLocations,
      json,
    }

    async function addAccount(uid: string): Promise<void> {
      await accounts.create({ uid, provider: 'email', email: uid, attributes: {}, roles: [] }, PASSWORD_HASH)
    }

    async function openSession(uid: string, i: number): Promise<void> {
      const { tag } = placeOf(uid)
      if (i === 0) await addAccount(uid)
      const record = { tag, handle: idOf(i), uid, kind: 'rotating' as const, scopes: [], use: useOf(i), life }
      const { verdict } = await store.open(record)
      if (verdict !== 'opened') throw new Error(`${uid}: ${verdict}`)
    }
  } finally {
    redis.disconnect()
  }
}

const PASSWORD_HASH = `$argon2id$v=19$m=19456,t=2,p=1$${'s'.repeat(22)}$${'h'.repeat(43)}`

function asJson(facts: { uid: string } & Record<string, unknown>): string {
  const at = new Date()
  const expires = new Date(at.getTime() + life.idleMs)
  const cookie = {
    originalMaxAge: life.idleMs,
    expires,
    secure: true,
    httpOnly: true,
    path: '/',
    sameSite: 'lax',
  }
  return JSON.stringify({ cookie, ...facts, createdAt: at, lastSeenAt: at })
}

/** 22 characters of base64url. */
function idOf(i: number): string {
  const bytes = Buffer.alloc(16, 0xa5)
  bytes.writeUInt32BE(Math.imul(i, 0x9e3779b1) >>> 0)
  return bytes.toString('base64url')
}

/** Three quarters are IPv4. */
function ipOf(i: number): string {
  const low = `${(i >> 8) & 255}.${i & 255}`
  return i % 4 === 3 ? `2a02:cf40:${i.toString(16)}:1a2b:3c4d:5e6f:7a8b:9cad` : `81.${2 + (i >> 16)}.${low}`
}

function locationOf(ip: string, i: number, city: number): Location {
  const country = countries[city % countries.length] as Omit<
    Location,
    'ip' | 'type' | 'latitude' | 'longitude'
  > // never empty
  return {
    ...country,
    city: `${country.city} ${city}`,
    ip,
    type: ip.includes(':') ? 'ipv6' : 'ipv4',
    latitude: 40 + (i % 9973) / 1e4,
    longitude: -73 + (i % 9949) / 1e4,
  }
}

/** That an account has changed is said by a key that goes after a minute: in the middle of this, unless now. */
async function removeSignals(redis: Redis): Promise<void> {
  for await (const keys of redis.scanStream({ match: 'cs:rv:*', count: 1000 }))
    if (keys.length > 0) await redis.unlink(keys)
}

async function each(count: number, act: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

/** Looks, a tenth of a second apart. */
const STEADY = 30

/** Tables that grow are copied bit by bit in the background, and the old one goes at the end. @returns bytes in use when that is over */
async function settled(redis: Redis): Promise<number> {
  const read = async () => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
  for (let before = await read(), same = 0; ; ) {
    await delay(100)
    const now = await read()
    same = Math.abs(now - before) < 4096 ? same + 1 : 0
    before = now
    if (same === STEADY) return now
  }
}
