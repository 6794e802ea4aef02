/**
 * Who is asking, as the headers that a gateway hands on. All of them are always there and never empty: a gateway that
 * copies a missing header lets through the client's own, or its own template text.
 */
import type { Grant } from '../../session.js'
import { headerText } from '../header-text.js'

export const identityHeaders = [
  'x-auth-subject',
  'x-auth-session',
  'x-auth-kind',
  'x-auth-roles',
  'x-auth-scopes',
  'x-auth-country',
  'x-auth-expires',
] as const

declare module '../../session.js' {
  interface Lasting {
    identity: Identity | undefined
  }
}

export type Identity = Record<(typeof identityHeaders)[number], string>

/** Of the client's address, ISO 3166-1 alpha-2, when it is known. */
export const COUNTRY = 'x-auth-country'
export const NONE = '-'

/** Whom a preflight is let through as. */
export const nobody: Identity = {
  'x-auth-subject': NONE,
  'x-auth-session': NONE,
  'x-auth-kind': NONE,
  'x-auth-roles': NONE,
  'x-auth-scopes': NONE,
  [COUNTRY]: NONE,
  'x-auth-expires': NONE,
}

/** Who holds a grant; the country is that of a request, and to be set for each. */
export function identityOf({ session, account, lasting }: Grant): Identity {
  if (lasting?.identity !== undefined) return lasting.identity
  const identity: Identity = {
    'x-auth-subject': headerText(account.uid),
    'x-auth-session': session?.handle ?? NONE,
    'x-auth-kind': session?.kind ?? NONE,
    'x-auth-roles': account.roles.join(',') || NONE,
    'x-auth-scopes': session?.scopes.join(' ') || NONE,
    [COUNTRY]: NONE,
    'x-auth-expires': session === undefined ? NONE : String(Math.floor(session.expiresAt / 1000)),
  }
  if (lasting !== undefined) lasting.identity = identity
  return identity
}
