/**
 * What sessions take of Redis' memory, by Redis' own account of it, beside a JSON string per session as connect-redis
 * stores it. Everything is written by the service's own store; what they share is stored once.
 */

import { Redis } from 'ioredis'
import { type Crowd, each, type Filled, fill, idOf, life, settled, uidOf, useOf } from './fill.js'
import { locationOf } from './memory-facts.js'

/** Bytes of Redis memory. */
export interface Memory extends Filled {
  /** As JSON strings, with the same facts in each. */
  readonly json: number
}

/** @param redisUrl of a private server, `unix://…`; it is emptied */
export async function measureMemory(
  redisUrl: string,
  crowd: Crowd,
  progress: (what: string) => void,
): Promise<Memory> {
  const redis = new Redis({ path: redisUrl.replace('unix://', '') })
  try {
    await redis.flushall()
    const parts = await fill(redis, crowd, progress)
    progress('JSON')
    await redis.flushall()
    const before = await settled(redis)
    await each(crowd.sessions, (i) => {
      const { city, regionName, countryName } = locationOf('', i, (i % crowd.addresses) % crowd.cities)
      const id = idOf(i) + idOf(i).slice(0, 10) // 32 characters, as express-session makes them
      const json = asJson({ uid: uidOf(i, crowd), ...useOf(i, crowd), city, regionName, countryName })
      return redis.set(`sess:${id}`, json, 'EX', life.idleMs / 1000)
    })
    return { ...parts, json: (await settled(redis)) - before }
  } finally {
    redis.disconnect()
  }
}

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
