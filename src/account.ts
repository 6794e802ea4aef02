/** The nouns of an account: a subject that may hold sessions. */

/** What an account may do beyond using its own sessions. */
export type Role = 'admin' | 'service'

/** A JSON value as it came over the wire. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Free JSON that a dialect shows as the user: name, image, favourite colour. */
export type Attributes = { readonly [key: string]: Json }

/** A subject. Its password hash, if it has one, never leaves the store layer and `accounts/`. */
export interface Account {
  /** A small number, for dialects whose users expect one. */
  id: number
  /** E-mail, user name or any id, given once and never changed: sessions, keys and tokens hang on it. */
  uid: string
  /** Where it was authenticated first: `email`, `github`, … */
  provider: string
  email: string | undefined
  attributes: Attributes
  roles: readonly Role[]
  /** ms since the epoch. */
  createdAt: number
  updatedAt: number
}

/**
 * The form in which names are compared, hashed and looked up: two spellings of one e-mail address are one account.
 *
 * @returns the trimmed, NFC-normalised, lower-case form of `name`
 */
export function canonicalName(name: string): string {
  return name.trim().normalize('NFC').toLowerCase()
}
