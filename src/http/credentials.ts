/** The credential of a request, for every route that is not devise_token_auth's own: Basic, Bearer, or the devise headers. */
import type { FastifyRequest } from 'fastify'
import type { Credential } from '../sessions/credential.js'
import { readAuthorization } from './bearer.js'
import { fieldsOf, readTuple } from './devise-wire.js'

/** Whether none of the devise headers is there: what a Bearer comes with nearly always. */
const isAlone = ({ headers }: FastifyRequest): boolean =>
  headers['access-token'] === undefined && headers.client === undefined && headers.uid === undefined

/**
 * One credential, or `conflict` when there are several that do not carry the same token. A Bearer value of no known
 * form is a credential that nobody knows, not the absence of one.
 */
export function readCredential(request: FastifyRequest): Credential {
  const authorization = readAuthorization(request)
  if (authorization.form === 'doubled') return { kind: 'conflict' }
  if (authorization.form === 'token' && isAlone(request)) return { kind: 'token', token: authorization.token }
  const tuple = readTuple(request.headers, fieldsOf(authorization))
  if (authorization.form !== 'jwt' && authorization.form !== 'other') return tuple
  if (tuple.kind !== 'none') return { kind: 'conflict' }
  if (authorization.form === 'jwt') return { kind: 'jwt', jwt: authorization.jwt }
  return request.basic ?? { kind: 'token', token: '' }
}
