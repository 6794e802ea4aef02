/**
 * Who calls the OAuth endpoints: `client_secret_basic` (RFC 6749 section 2.3.1, where both parts are form-encoded before
 * they are put together), `client_secret_post`, or a session's token. A client is an account here.
 */
import type { FastifyRequest } from 'fastify'
import type { Credential } from '../../sessions/credential.js'
import { readCredential } from '../credentials.js'

/** One way at a time: two are a conflict (RFC 6749 section 2.3). */
export function readCaller(request: FastifyRequest, form: URLSearchParams): Credential {
  const header = readCredential(request)
  const login = form.get('client_id')
  const password = form.get('client_secret')
  const posted = login !== null && password !== null
  if (header.kind === 'none') return posted ? { kind: 'password', login, password } : header
  if (password !== null) return { kind: 'conflict' }
  return header.kind === 'password'
    ? { kind: 'password', login: formDecoded(header.login), password: formDecoded(header.password) }
    : header
}

/** What form-encoding leaves of a text, or `encodeURIComponent` does. */
const ENCODED = /^(?:[\w*.!~'()+-]|%[\da-f]{2})*$/i

/** What cannot be form-encoded is meant as it stands: curl's `-u` encodes nothing. */
function formDecoded(text: string): string {
  if (!ENCODED.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
