/** `WWW-Authenticate: Bearer` (RFC 6750 section 3): bare without credentials, with an error code where there were some. */
import type { RefusalCode } from '../session.js'

const REALM = 'Bearer realm="Countersign"'

/** @returns the challenge for a refused credential; it says no more than that it is not good */
export function bearerChallenge(code: RefusalCode): string {
  if (code === 'missing') return REALM
  if (code === 'conflict')
    return `${REALM}, error="invalid_request", error_description="One credential at a time"`
  return `${REALM}, error="invalid_token"`
}

/** @returns the challenge for a good token that lacks some of `scopes` */
export const scopeChallenge = (scopes: readonly string[]): string =>
  `${REALM}, error="insufficient_scope", scope="${scopes.join(' ')}"`

export const basicChallenge = 'Basic realm="Countersign", charset="UTF-8"'
