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

/** An account with what only its keepers see: whether and since when it may not be used. Times are ms since the epoch. */
export interface AccountState {
  account: Account
  /** Since when nobody may act as it. */
  suspendedAt: number | undefined
  /** Its sessions created earlier are over; Redis time. */
  notBefore: number | undefined
  hasPassword: boolean
}

/**
 * The form in which names are compared, hashed and looked up: two spellings of one e-mail address are one account.
 *
 * @returns the trimmed, lower-case, NFC-normalised form of `name`; of a canonical name, that name itself
 */
export function canonicalName(name: string): string {
  // Lower case may be decomposed where upper case cannot be composed (J̌, ǰ), so normalisation comes last, too.
  return name.trim().normalize('NFC').toLowerCase().normalize('NFC')
}

const MAX_NAME_LENGTH = 255
/** Control and format characters, line breaks, lone surrogates: what makes two names look alike, or breaks a log or a header. */
const UNNAMEABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/** @returns whether `name` can stand for an account: 1 to 255 characters in canonical form, none of them invisible */
export function isName(name: string): boolean {
  if (name.length > 4 * MAX_NAME_LENGTH || UNNAMEABLE.test(name)) return false
  const { length } = canonicalName(name)
  return length >= 1 && length <= MAX_NAME_LENGTH
}

/** The names by which an account signs in, each by one account only. */
export type LoginField = 'email' | 'uid' | 'username'

/**
 * The login names of an account in canonical form, each with the field that it comes from: its e-mail, its uid and its
 * `username` attribute. A user name that looks like an e-mail address is only an attribute: nobody can occupy, by way
 * of it, an address that may be somebody else's.
 */
export function loginNames(account: Pick<Account, 'uid' | 'email' | 'attributes'>): Map<string, LoginField> {
  const names = new Map<string, LoginField>()
  const { username } = account.attributes
  if (typeof username === 'string' && isName(username) && !username.includes('@'))
    names.set(canonicalName(username), 'username')
  names.set(canonicalName(account.uid), 'uid')
  if (account.email !== undefined) names.set(canonicalName(account.email), 'email')
  return names
}
