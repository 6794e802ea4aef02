/** A short memory of secrets that were right. It holds none of them: they go by an HMAC, with a key that dies with the process. */
import { createHmac, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'

const REMEMBERED = 10_000
const REMEMBERED_MS = 60_000

export interface SecretMemory<Value extends object | string> {
  /** @returns the name of `parts`, the same for the same parts */
  nameOf(...parts: readonly (string | null)[]): string
  /** By name. */
  known: LRUCache<string, Value>
}

/** Makes a memory of up to 10,000. @param rememberMs how long each is remembered, in ms */
export function createSecretMemory<Value extends object | string>(
  rememberMs = REMEMBERED_MS,
): SecretMemory<Value> {
  const key = randomBytes(32)
  return {
    nameOf: (...parts) => createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url'),
    known: new LRUCache({ max: REMEMBERED, ttl: rememberMs }),
  }
}
