/**
 * Reads `Authorization`. A Bearer value is told apart by its form, in this order: `cst_` → countersigned token; two
 * dots → JWT; strict base64 of a JSON object with `access-token` → devise. Never by the prefix `eyJ`: base64 JSON
 * shares it with JWTs. Reading is pure and never throws: whatever does not parse is `other`.
 */
import type { FastifyRequest } from 'fastify'
import type { Credential } from '../sessions/credential.js'

export type Authorization =
  | { form: 'absent' }
  /** There more than once; Node would silently pick the first and a gateway another. */
  | { form: 'doubled' }
  | { form: 'token'; token: string }
  | { form: 'jwt'; jwt: string }
  | { form: 'devise'; fields: Readonly<Record<string, unknown>> }
  /** Basic, an unknown scheme, or the junk that some clients send (`Bearer undefined`). */
  | { form: 'other' }

/** Longer than any credential that we issue; what is over it is not looked at. */
const LONGEST_BEARER = 8192
const BEARER = /^Bearer /i
const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** @returns what the `Authorization` header of `request` holds */
export function readAuthorization(request: FastifyRequest): Authorization {
  const { authorization } = request.headers
  if (authorization === undefined) return { form: 'absent' }
  if (isDoubled(request.raw.rawHeaders)) return { form: 'doubled' }
  if (authorization === '') return { form: 'absent' }
  if (authorization.length > LONGEST_BEARER) return { form: 'other' }
  const value = bearerIn(authorization)
  return value === undefined ? { form: 'other' } : classify(value)
}

/** The value behind the scheme, one word. (A pattern for all of it would read a long JWT letter by letter.) */
function bearerIn(authorization: string): string | undefined {
  if (!BEARER.test(authorization)) return undefined
  const value = authorization.slice('Bearer '.length).trim()
  return value === '' || value.includes(' ') || value.includes('\t') ? undefined : value
}

function classify(value: string): Authorization {
  if (value.startsWith('cst_')) return { form: 'token', token: value }
  if (hasTwoDots(value)) return { form: 'jwt', jwt: value }
  const fields = readBase64Json(value)
  return fields !== undefined && 'access-token' in fields ? { form: 'devise', fields } : { form: 'other' }
}

function hasTwoDots(value: string): boolean {
  const second = value.indexOf('.', value.indexOf('.') + 1)
  return second > value.indexOf('.') && !value.includes('.', second + 1)
}

/** @returns the credential that a bare token is, as it stands in a form or a batch; a JWT or a countersigned one */
export function credentialOf(token: string): Credential {
  const classified = classify(token)
  return classified.form === 'jwt' ? { kind: 'jwt', jwt: token } : { kind: 'token', token }
}

function isDoubled(rawHeaders: readonly string[]): boolean {
  let seen = 0
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.length === 13 && rawHeaders[i]?.toLowerCase() === 'authorization') seen++
  return seen > 1
}

function readBase64Json(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!BASE64.test(text)) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** @returns whether a parsed JSON value is an object with names, neither null nor an array */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
