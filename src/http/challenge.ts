/** `WWW-Authenticate: Bearer` (RFC 6750 section 3): bare without credentials, with an error code where there were some. */
import type { FastifyRequest } from 'fastify'
import type { RefusalCode } from '../session.js'

const REALM = 'Bearer realm="Countersign"'

/** @returns the challenge for a refused credential; it says no more than that it is not good */
export function bearerChallenge(code: RefusalCode): string {
  if (code === 'missing') return REALM
  if (code === 'conflict')
    return `${REALM}, error="invalid_request", error_description="One credential at a time"`
  return `${REALM}, error="invalid_token"`
}

/** @returns the challenge for a good token that is not enough: it lacks some of `scopes`, or its account a role */
export const scopeChallenge = (scopes: readonly string[] = []): string =>
  `${REALM}, error="insufficient_scope"${scopes.length > 0 ? `, scope="${scopes.join(' ')}"` : ''}`

/** Whether the request came with a Bearer, of whatever form, and is to be told of it in that scheme. */
export const hasBearer = ({ headers }: FastifyRequest): boolean =>
  /^bearer /i.test(headers.authorization ?? '')

export const basicChallenge = 'Basic realm="Countersign", charset="UTF-8"'
