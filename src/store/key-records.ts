/** Keeps a ring of keys in Redis: one sealed text, opaque to this side and to whoever reads a dump. */
import { readFileSync } from 'node:fs'
import type { Result } from 'ioredis'
import type { KeyRecords } from '../token/shared-ring.js'
import type { RedisClient } from './connect.js'
import { orUnavailable } from './faults.js'
import { keyRingKey } from './keys.js'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    keyRingRead(key: string): Result<[sealed: string | null, nowMs: number], Context>
    keyRingReplace(key: string, seen: string, sealed: string): Result<'replaced' | 'changed', Context>
  }
}

const scripts = { keyRingRead: 'key-ring-read.lua', keyRingReplace: 'key-ring-replace.lua' }

interface Parts {
  redis: RedisClient
  /** Where it is; that of the JWT keys when absent. */
  key?: string
  /** Tells the time instead of Redis; for tests. */
  pinnedNowMs?: () => number
}

/** Keeps the sealed ring in one Redis. */
export function createKeyRecords({ redis, key = keyRingKey, pinnedNowMs }: Parts): KeyRecords {
  for (const [command, file] of Object.entries(scripts)) {
    const lua = readFileSync(new URL(`./lua/${file}`, import.meta.url), 'utf8')
    redis.defineCommand(command, { numberOfKeys: 1, lua })
  }

  return {
    async read() {
      const [sealed, nowMs] = await orUnavailable(redis.keyRingRead(key))
      return { sealed: sealed ?? undefined, nowMs: pinnedNowMs?.() ?? nowMs }
    },

    async replace(seen, sealed) {
      return (await orUnavailable(redis.keyRingReplace(key, seen ?? '', sealed))) === 'replaced'
    },
  }
}
