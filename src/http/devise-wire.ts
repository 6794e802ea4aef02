/** devise_token_auth's credentials and headers: where a token tuple is read from, and how one is handed out. */
import type { FastifyRequest } from 'fastify'
import type { Account } from '../account.js'
import type { Lasting, Session } from '../session.js'
import type { Credential } from '../sessions/credential.js'
import { type Authorization, isJsonObject, readAuthorization } from './bearer.js'
import { headerText, textOfHeader } from './header-text.js'

declare module '../session.js' {
  interface Lasting {
    tokenHeaders?: Record<string, string>
  }
}

/** What a value that is no string is read as: present, but no token, handle or uid that could ever match. */
const NO_VALUE = '\0'

/**
 * devise's own routes: each of the three values is taken from its header, else the query, form or JSON body, else the
 * Bearer; an empty one counts as absent, and an undecodable `Authorization` as none. A JWT is no token of theirs, but
 * beside one it is another credential.
 */
export function readDeviseCredential(request: FastifyRequest): Credential {
  const authorization = readAuthorization(request)
  if (authorization.form === 'doubled') return { kind: 'conflict' }
  const tuple = readTuple(request.headers, request.query, request.body, fieldsOf(authorization))
  return authorization.form === 'jwt' && tuple.kind !== 'none' ? { kind: 'conflict' } : tuple
}

/**
 * Reads the three values from the headers and from `others`, objects or anything else. A token that stands in several
 * of them must be the same; what is claimed beside it, the first tells.
 */
export function readTuple(headers: FastifyRequest['headers'], ...others: readonly unknown[]): Credential {
  let token = header(headers['access-token'])
  let handle = header(headers.client)
  let uid = header(headers.uid)
  for (const fields of others) {
    if (!isJsonObject(fields)) continue
    const other = given(fields['access-token'])
    if (token !== undefined && other !== undefined && other !== token) return { kind: 'conflict' }
    token ??= other
    handle ??= given(fields.client)
    uid ??= given(fields.uid)
  }
  return token === undefined ? { kind: 'none' } : { kind: 'token', token, handle, uid }
}

/** What a Bearer says of the tuple. */
export function fieldsOf(authorization: Authorization): unknown {
  if (authorization.form === 'devise') return authorization.fields
  return authorization.form === 'token' ? { 'access-token': authorization.token } : undefined
}

function given(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'string' ? value : NO_VALUE
}

function header(value: unknown): string | undefined {
  const text = given(value)
  return text === undefined ? undefined : textOfHeader(text)
}

/** The five fields of a token, in the original's order; `uid` in the form of where they go. */
const fieldsWith = (
  uid: string,
  { handle: client, expiresAt }: Session,
  token: string,
): Record<string, string> => ({
  'access-token': token,
  'token-type': 'Bearer',
  client,
  expiry: String(Math.floor(expiresAt / 1000)),
  uid,
})

/** A token's fields as headers, without the Bearer that would carry them once more. */
export const tupleHeaders = (session: Session, token: string) =>
  fieldsWith(headerText(session.uid), session, token)

/** A token's fields as headers, and the Bearer that carries them once more. */
export function tokenHeaders(session: Session, token: string): Record<string, string> {
  const fields = fieldsWith(session.uid, session, token)
  const bearer = Buffer.from(JSON.stringify(fields)).toString('base64')
  fields.uid = headerText(session.uid)
  fields.authorization = `Bearer ${bearer}`
  return fields
}

/** `tokenHeaders`, made once for an answer that lasts. */
export function lastingHeaders(
  session: Session,
  token: string,
  lasting: Lasting | undefined,
): Record<string, string> {
  if (lasting?.tokenHeaders !== undefined) return lasting.tokenHeaders
  const headers = tokenHeaders(session, token)
  if (lasting !== undefined) lasting.tokenHeaders = headers
  return headers
}

/** The user as sign-in and validation show it. Attributes come last but cannot shadow what stands before them. */
export function shortUser({ id, uid, email, provider, attributes }: Account) {
  return { ...attributes, id, uid, email: email ?? null, provider }
}

/** The user as sign-up and updates show it. */
export function longUser(account: Account) {
  return {
    ...shortUser(account),
    created_at: new Date(account.createdAt).toISOString(),
    updated_at: new Date(account.updatedAt).toISOString(),
  }
}

/** What browsers must be allowed to read, and to send, across origins. */
export const exposedHeaders = ['access-token', 'token-type', 'client', 'expiry', 'uid', 'authorization']
export const requestHeaders = [
  ...exposedHeaders,
  'content-type',
  'if-modified-since',
  'accept',
  'x-requested-with',
]
