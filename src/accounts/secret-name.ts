/** Names for what is remembered of secrets, so that the memory holds none of them. */
import { createHmac, randomBytes } from 'node:crypto'

/** @returns names `parts`, the same for the same parts, by an HMAC with a key that dies with the process */
export function createSecretNames(): (...parts: readonly (string | null)[]) => string {
  const key = randomBytes(32)
  return (...parts) => createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url')
}
