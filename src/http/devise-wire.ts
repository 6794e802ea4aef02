/** devise_token_auth's credentials and headers: where a token tuple is read from, and how one is handed out. */
import type { FastifyRequest } from 'fastify'
import type { Account } from '../account.js'
import type { Grant, Session } from '../session.js'
import type { Credential } from '../sessions/credential.js'
import { type Authorization, readAuthorization } from './bearer.js'
import { headerText, textOfHeader } from './header-text.js'
import { parameter } from './parameters.js'

/** What a value that is no string is read as: present, but no token, handle or uid that could ever match. */
const NO_VALUE = '\0'

/** Where a value of the token tuple may stand; asked by name. */
type Source = (name: string) => string | undefined

/**
 * devise's own routes: each of the three values is taken from its header, else the query, form or JSON body, else the
 * Bearer; an empty one counts as absent, and an undecodable `Authorization` as none. A JWT is no token of theirs, but
 * beside one it is another credential.
 */
export function readDeviseCredential(request: FastifyRequest): Credential {
  const authorization = readAuthorization(request)
  if (authorization.form === 'doubled') return { kind: 'conflict' }
  const inParameters: Source = (name) => given(parameter(request, name))
  const tuple = readTuple(inHeaders(request), inParameters, inBearer(authorization))
  return authorization.form === 'jwt' && tuple.kind !== 'none' ? { kind: 'conflict' } : tuple
}

/** A token that stands in several sources must be the same in all of them; what is claimed beside it, the first tells. */
export function readTuple(...sources: readonly Source[]): Credential {
  const tokens = sources.map((source) => source('access-token')).filter((value) => value !== undefined)
  const [token, ...others] = tokens
  if (token === undefined) return { kind: 'none' }
  if (others.some((other) => other !== token)) return { kind: 'conflict' }
  const find = (name: string) =>
    sources.reduce<string | undefined>((found, from) => found ?? from(name), undefined)
  return { kind: 'token', token, handle: find('client'), uid: find('uid') }
}

export const inHeaders =
  (request: FastifyRequest): Source =>
  (name) =>
    header(request, name)

export const inBearer =
  (authorization: Authorization): Source =>
  (name) => {
    if (authorization.form === 'devise') return given(authorization.fields[name])
    return authorization.form === 'token' && name === 'access-token' ? authorization.token : undefined
  }

function given(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'string' ? value : NO_VALUE
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = given(request.headers[name])
  return value === undefined ? undefined : textOfHeader(value)
}

/** The five headers of a token and the Bearer that carries them once more, in the original's order. */
export function tokenHeaders(session: Session, token: string): Record<string, string> {
  const fields = {
    'access-token': token,
    'token-type': 'Bearer',
    client: session.handle,
    expiry: String(Math.floor(session.expiresAt / 1000)),
    uid: session.uid,
  }
  const bearer = Buffer.from(JSON.stringify(fields)).toString('base64')
  return { ...fields, uid: headerText(session.uid), authorization: `Bearer ${bearer}` }
}

/** What answers that repeat a token from memory have in common: its headers are made once. */
const repeated = new WeakMap<NonNullable<Grant['token']>, Record<string, string>>()

/** `tokenHeaders` of what a decision allows to hand out. */
export function grantedHeaders(session: Session, token: NonNullable<Grant['token']>): Record<string, string> {
  if (token.fresh) return tokenHeaders(session, token.value)
  const known = repeated.get(token)
  if (known !== undefined) return known
  const headers = tokenHeaders(session, token.value)
  repeated.set(token, headers)
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
