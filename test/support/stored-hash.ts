/**
 * The usual design of rotating tokens, to compare with: random tokens, of which Redis holds the hashes of the current, the
 * previous and one older. The same windows and the same rule of re-issue as ours (`ARCHITECTURE.md`); nothing but the
 * store knows which tokens there were.
 */
import { hash, randomBytes } from 'node:crypto'
import type { Redis, Result } from 'ioredis'
import type { RotationPolicy } from '../../src/session.js'
import type { RedisClient } from '../../src/store/connect.js'
import type { Client } from './clients-under-load.js'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    storedHashPresent(
      key: string,
      ...presented: (string | number)[]
    ): Result<'rotated' | 'accepted' | 'refused', Context>
  }
}

// ARGV: hash presented, hash of a fresh token, G, Z, Y (ms), R
const present = `
local G, Z, Y, R = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local current, previous, older, t, a, p, k = unpack(redis.call('HMGET', KEYS[1], 'current', 'previous', 'older', 't', 'a', 'p', 'k'))
t, a, p, k = tonumber(t), tonumber(a), tonumber(p), tonumber(k)
if ARGV[1] == current then
  if a == 0 then a = now end
  if now - t < G then
    redis.call('HSET', KEYS[1], 'a', a)
    return 'accepted'
  end
  redis.call('HSET', KEYS[1], 'current', ARGV[2], 'previous', current, 'older', previous, 't', now, 'a', 0, 'p', a, 'k', 1)
  return 'rotated'
end
if ARGV[1] == previous then
  if a > 0 then return now - a <= Z and 'accepted' or 'refused' end
  if now - t <= Y then return 'accepted' end
  if k > R then return 'refused' end
  redis.call('HSET', KEYS[1], 'current', ARGV[2], 't', now, 'k', k + 1)
  return 'rotated'
end
return ARGV[1] == older and now - p <= Z and 'accepted' or 'refused'
`

const newToken = (): string => randomBytes(32).toString('base64url')
const hashOf = (token: string): string => hash('sha256', token, 'base64url')

/**
 * Opens sessions with `redis`.
 *
 * @returns their clients, who come by way of `connection`, which may be exchanged
 */
export async function openStoredHashClients(
  count: number,
  redis: Redis,
  connection: () => RedisClient,
  { rotateAfterMs, leewayMs, reissueAfterMs, reissues }: RotationPolicy,
): Promise<Client[]> {
  const policy = [rotateAfterMs, leewayMs, reissueAfterMs, reissues]
  return Promise.all(
    Array.from({ length: count }, async (_, index): Promise<Client> => {
      const key = `stored-hash:${index}`
      let held = newToken()
      const fields = { current: hashOf(held), previous: '', older: '', t: Date.now(), a: 0, p: 0, k: 1 }
      await redis.hset(key, fields)
      return {
        async come() {
          const next = newToken()
          try {
            const verdict = await connection().storedHashPresent(key, hashOf(held), hashOf(next), ...policy)
            if (verdict === 'rotated') held = next
            return verdict === 'refused' ? 'refused' : 'accepted'
          } catch {
            return 'unavailable'
          }
        },
      }
    }),
  )
}

/** Teaches `connection` the comparator's script. */
export function defineStoredHash(connection: RedisClient): RedisClient {
  connection.defineCommand('storedHashPresent', { numberOfKeys: 1, lua: present })
  return connection
}
