/** What a token means, for services that hold one and cannot tell (RFC 7662): begins inactive, upgrades last. */
import type { Account } from '../../account.js'
import type { Session } from '../../session.js'
import type { Authenticator } from '../../sessions/authenticate.js'
import type { Static } from '../../typebox.js'
import { credentialOf } from '../bearer.js'
import type { Introspected } from './introspected.js'

declare module '../../session.js' {
  interface Lasting {
    /** What is said of it, as JSON. */
    introspected: string | undefined
  }
}

const rendered = (said: Static<typeof Introspected>): string => JSON.stringify(said)

/** The only thing that is said of a token that is not good, whatever the reason (RFC 7662 section 2.2). */
export const inactive = rendered({ active: false })

/** @returns the answer of RFC 7662 section 2.2 as JSON; `sub` is the uid, `sid` the session's handle, times are seconds */
export async function introspect(token: string, sessions: Authenticator, issuer: string): Promise<string> {
  const decision = await sessions.authenticate(credentialOf(token), 'verify')
  if (!decision.ok || decision.session === undefined) return inactive
  const { session, account, lasting } = decision
  if (lasting?.introspected !== undefined) return lasting.introspected
  const introspected = rendered(meaningOf(session, account, issuer))
  if (lasting !== undefined) lasting.introspected = introspected
  return introspected
}

function meaningOf(session: Session, account: Account, issuer: string): Static<typeof Introspected> {
  return {
    active: true,
    sub: account.uid,
    username: account.uid,
    sid: session.handle,
    token_type: 'Bearer',
    ...(session.scopes.length > 0 && { scope: session.scopes.join(' ') }),
    iat: Math.floor(session.createdAt / 1000),
    exp: Math.floor(session.expiresAt / 1000),
    iss: issuer,
    kind: session.kind,
    roles: [...account.roles],
  }
}
