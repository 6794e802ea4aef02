/** Texts that many records have in common: each is stored once, under its hash, which is what the records hold. */
import { LRUCache } from 'lru-cache'
import type { RedisClient } from './connect.js'
import { orUnavailable } from './faults.js'

/** What this instance saved so lately is not saved again. */
const SAVED_LATELY = { max: 10_000, ttl: 10 * 60_000 }
/** A text never changes, since its name is its hash. */
const REMEMBERED = 5_000

export interface SharedTexts {
  /** @throws StoreUnavailable, as both of them */
  save(texts: Iterable<string>): Promise<void>
  /** By hash; those that are not known are missing. */
  read(hashes: Iterable<string>): Promise<Map<string, string>>
}

interface Parts {
  redis: RedisClient
  hashOf(text: string): string
  keyOf(hash: string): string
  /** For how long a text is kept after it was last saved; at least as long as what refers to it. */
  keptSeconds: number
}

/** Makes the keeper of one sort of text. */
export function createSharedTexts({ redis, hashOf, keyOf, keptSeconds }: Parts): SharedTexts {
  const saved = new LRUCache<string, true>(SAVED_LATELY)
  const known = new LRUCache<string, string>({ max: REMEMBERED })

  return {
    async save(texts) {
      const missing = [...new Set(texts)].filter((text) => !saved.has(text))
      const saving = missing.map((text) => redis.set(keyOf(hashOf(text)), text, 'EX', keptSeconds))
      await orUnavailable(Promise.all(saving))
      for (const text of missing) saved.set(text, true)
    },

    async read(hashes) {
      const wanted = [...new Set(hashes)]
      const missing = wanted.filter((hash) => !known.has(hash))
      const found = await orUnavailable(Promise.all(missing.map((hash) => redis.get(keyOf(hash)))))
      for (const [i, hash] of missing.entries()) if (found[i]) known.set(hash, found[i])
      return new Map(
        wanted.flatMap((hash) => {
          const text = known.get(hash)
          return text === undefined ? [] : [[hash, text] as const]
        }),
      )
    },
  }
}
