/** devise_token_auth's credentials and headers: where a token tuple is read from, and how one is handed out. */
import type { FastifyRequest } from 'fastify'
import type { Account } from '../account.js'
import type { Lasting, Session } from '../session.js'
import type { Credential } from '../sessions/credential.js'
import { type Authorization, isJsonObject, readAuthorization } from './bearer.js'
import { headerText, textOfHeader } from './header-text.js'
import { renderedOnce } from './rendered.js'

declare module '../session.js' {
  interface Lasting {
    tokenHeaders: Record<string, string> | undefined
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

/** An account's uid as it goes out with each of its tokens: the bytes of a header, and of JSON. */
const uidOf = renderedOnce(({ uid }: Account) => ({
  header: headerText(uid),
  json: headerText(JSON.stringify(uid)),
}))

/** The five fields of a token as headers, in the original's order, without the Bearer that would carry them once more. */
export const tupleHeaders = (
  account: Account,
  { handle: client, expiresAt }: Session,
  token: string,
): Record<string, string> => ({
  'access-token': token,
  'token-type': 'Bearer',
  client,
  expiry: String(Math.floor(expiresAt / 1000)),
  uid: uidOf(account).header,
})

/**
 * A token's fields as headers, and the Bearer that carries them once more, base64 of their JSON. That is put together by hand, and
 * `btoa` makes no buffer of it, which is a microsecond less for each rotation; of its values only the uid can need an escape.
 */
export function tokenHeaders(account: Account, session: Session, token: string): Record<string, string> {
  const headers = tupleHeaders(account, session, token)
  const { client, expiry } = headers
  const fields = `{"access-token":"${token}","token-type":"Bearer","client":"${client}","expiry":"${expiry}","uid":${uidOf(account).json}}`
  headers.authorization = `Bearer ${btoa(fields)}`
  return headers
}

/** `tokenHeaders`, made once for an answer that lasts. */
export function lastingHeaders(
  account: Account,
  session: Session,
  token: string,
  lasting: Lasting | undefined,
): Record<string, string> {
  if (lasting?.tokenHeaders !== undefined) return lasting.tokenHeaders
  const headers = tokenHeaders(account, session, token)
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
