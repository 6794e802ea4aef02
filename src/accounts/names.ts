/** What may stand in the places of an account where a name or an address is expected. */
import { canonicalName, isName } from '../account.js'

/** RFC 5321 4.5.3.1.3, less the angle brackets. */
const MAX_EMAIL_LENGTH = 254

/** @returns whether `email` looks like an address: something, one @, something. Only a letter to it could tell more. */
export function isEmail(email: string): boolean {
  const canonical = canonicalName(email)
  return isName(email) && canonical.length <= MAX_EMAIL_LENGTH && /^[^\s@]+@[^\s@]+$/.test(canonical)
}
