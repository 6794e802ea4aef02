/** A client of the devise dialect: signs up, and validates its token again and again as a browser would. */
import { randomUUID } from 'node:crypto'
import type { Conversation, Request } from './scenario.js'

const PASSWORD = 'correct horse battery staple'
/** Below the default cap, so that no session pushes out another. */
const SESSIONS_AN_ACCOUNT = 8

/** What a client holds. */
export interface Tuple {
  readonly token: string
  readonly client: string
  readonly uid: string
}

/** What an answer must do with the token: hand out another, repeat the one that was sent, or have no token headers. */
export type TokenRule = 'rotates' | 'repeats' | 'none'

/** @returns the tuples of `count` new sessions, eight to an account */
export async function signIn(url: string, count: number): Promise<Tuple[]> {
  const tuples: Tuple[] = []
  const domain = `${randomUUID()}.example.org` // two services under comparison may have one Redis
  for (let i = 0; i < count; i++) {
    const email = `user${Math.floor(i / SESSIONS_AN_ACCOUNT)}@${domain}`
    const isNew = i % SESSIONS_AN_ACCOUNT === 0
    const response = await fetch(`${url}${isNew ? '/auth' : '/auth/sign_in'}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: PASSWORD, ...(isNew && { password_confirmation: PASSWORD }) }),
    })
    const body = await response.text()
    const [token, client, uid] = ['access-token', 'client', 'uid'].map((name) => response.headers.get(name))
    if (response.status !== 200 || !token || !client || !uid)
      throw new Error(`no session for ${email}: ${response.status} ${body}`)
    tuples.push({ token, client, uid })
  }
  return tuples
}

/** `GET /auth/validate_token` with `tuple`. */
export function validation({ token, client, uid }: Tuple): Request {
  return { method: 'GET', path: '/auth/validate_token', headers: { 'access-token': token, client, uid } }
}

/** Presents a token for ever; each answer must be the user of the first one and treat the token by `rule`. */
export function validating(first: Tuple, rule: TokenRule): Conversation {
  let tuple = first
  let request = validation(tuple)
  let expectedBody: string | undefined
  return {
    get request() {
      return request
    },
    receive({ status, headers, body }) {
      if (status !== 200) return `${status} ${body}`
      expectedBody ??= JSON.parse(body).data.uid === tuple.uid ? body : undefined
      if (body !== expectedBody) return `not the user of ${tuple.uid}: ${body}`
      const token = headers['access-token']
      if (ruleFor(token, tuple.token) !== rule)
        return `the answer's token should be "${rule}", but is "${ruleFor(token, tuple.token)}"`
      if (rule === 'rotates') {
        tuple = { ...tuple, token: String(token) }
        request = validation(tuple)
      }
      return undefined
    },
  }
}

function ruleFor(answered: string | string[] | undefined, sent: string): TokenRule | 'malformed' {
  if (answered === undefined) return 'none'
  if (answered === sent) return 'repeats'
  return typeof answered === 'string' && answered.startsWith('cst_') && answered.length === sent.length
    ? 'rotates'
    : 'malformed'
}
