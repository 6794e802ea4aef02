/** devise_token_auth's credentials and headers: where a token tuple is read from, and how one is handed out. */
import type { FastifyRequest } from 'fastify'
import type { Account } from '../account.js'
import type { Session } from '../session.js'
import type { Credential } from '../sessions/credential.js'
import { readAuthorization } from './bearer.js'
import { parameter } from './parameters.js'

/** What a value that is no string is read as: present, but no token, handle or uid that could ever match. */
const NO_VALUE = '\0'

/**
 * Each of the three values is taken from its header, else the query, form or JSON body, else the Bearer's base64 JSON;
 * an empty one counts as absent. A token that stands in several places must be the same in all of them.
 */
export function readDeviseCredential(request: FastifyRequest): Credential {
  const authorization = readAuthorization(request)
  if (authorization.form === 'doubled') return { kind: 'conflict' }
  const fields = authorization.form === 'devise' ? authorization.fields : {}
  const bearer = authorization.form === 'token' ? authorization.token : fields['access-token']

  const tokens = [header(request, 'access-token'), given(parameter(request, 'access-token')), given(bearer)]
  const [token, ...others] = tokens.filter((value) => value !== undefined)
  if (token === undefined) return { kind: 'none' }
  if (others.some((other) => other !== token)) return { kind: 'conflict' }

  const find = (name: string) =>
    header(request, name) ?? given(parameter(request, name)) ?? given(fields[name])
  return { kind: 'token', token, handle: find('client'), uid: find('uid') }
}

function given(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'string' ? value : NO_VALUE
}

/** Header bytes are UTF-8 here; Node reads them as Latin-1. */
function header(request: FastifyRequest, name: string): string | undefined {
  const value = given(request.headers[name])
  if (value === undefined || isAscii(value)) return value
  return Buffer.from(value, 'latin1').toString('utf8')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is the point
const isAscii = (text: string) => /^[\x00-\x7f]*$/.test(text)

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
  const uid = isAscii(session.uid) ? session.uid : Buffer.from(session.uid).toString('latin1')
  return { ...fields, uid, authorization: `Bearer ${bearer}` }
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
