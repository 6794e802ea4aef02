/**
 * `countersign/client`: the service's API for other services, over `fetch` and nothing else. A token that is not good is a
 * value; what throws is a `CountersignError`, for what the caller cannot have meant: wrong credentials, wrong input, no
 * answer.
 */
import { CountersignError, noAnswer, problemOf } from './client/client-error.js'
import type { Introspected } from './http/oauth/introspected.js'
import type { OpenedObject, SessionObject, Wanted } from './http/session-object.js'
import type { Verdict as VerdictSchema } from './http/verdict.js'
import type { Static } from './typebox.js'

export { CountersignError, type ErrorCode } from './client/client-error.js'

/** What is said of a token; `code` says why it is not good. Times are seconds since the epoch. */
export type Verdict = Static<typeof VerdictSchema>
/** RFC 7662. Times are seconds since the epoch. */
export type Introspection = Static<typeof Introspected>
/** Times are RFC 3339. */
export type Session = Static<typeof SessionObject>
/** A session with its first token, which is told once. */
export type OpenedSession = Static<typeof OpenedObject>
/** What kind of session, for how long, with which scopes; all of it may be left out. */
export type WantedSession = Static<typeof Wanted>

export interface ClientOptions {
  /** Where the service is: `http://127.0.0.1:7171`; a path is kept. */
  url: string
  /** Those of an account with the role `service` or `admin`. */
  credentials: { login: string; password: string } | { token: string }
  /** For each request; 5000 when absent. */
  timeoutMs?: number
  /** Another `fetch`, with a proxy or certificates of its own, say. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>
}

/** All of them throw `CountersignError`. */
export interface Client {
  /** Whether `token` is good, and whose it is. */
  verify(token: string): Promise<Verdict>
  /** The same of many, in their order; 256 go in one request, more in several at a time. */
  verifyAll(tokens: readonly string[]): Promise<Verdict[]>
  /** What an OAuth client is told of it (RFC 7662). */
  introspect(token: string): Promise<Introspection>
  /** Ends the session of `token` (RFC 7009); of a token that is none, nothing. */
  revoke(token: string): Promise<void>
  sessions: {
    /** Opens a session for an account that you have authenticated. */
    open(uid: string, wanted?: WantedSession): Promise<OpenedSession>
    /** Those of an account, most recently used first. */
    list(uid: string): Promise<Session[]>
    /** Ends one. @returns false when the account has none such */
    revoke(uid: string, id: string): Promise<boolean>
    /** Ends all of an account, or all but the one with the id `except`. */
    revokeAll(uid: string, options?: { except?: string }): Promise<void>
  }
}

const TIMEOUT_MS = 5_000
const MOST_TOKENS = 256
/** Any other 404 comes from elsewhere: a wrong URL must not read as "it has ended already". */
const NO_SUCH_SESSION = 'There is no such session.'

interface Content {
  headers: Readonly<Record<string, string>>
  body: string | URLSearchParams
}

/** Makes a client of one service; it holds no connection and no state. */
export function createClient(options: ClientOptions): Client {
  const { credentials, timeoutMs = TIMEOUT_MS, fetch = globalThis.fetch } = options
  const base = options.url.replace(/\/+$/, '')
  const authorization =
    'token' in credentials
      ? `Bearer ${credentials.token}`
      : `Basic ${base64(`${credentials.login}:${credentials.password}`)}`
  /** OAuth has both parts form-encoded (RFC 6749 section 2.3.1). */
  const oauthAuthorization =
    'token' in credentials
      ? authorization
      : `Basic ${base64(`${formEncode(credentials.login)}:${formEncode(credentials.password)}`)}`

  async function send(method: string, path: string, content?: Content): Promise<Response> {
    try {
      const headers = { accept: 'application/json', authorization, ...content?.headers }
      const signal = AbortSignal.timeout(timeoutMs)
      return await fetch(base + path, { ...content, method, headers, signal, redirect: 'error' })
    } catch (cause) {
      throw noAnswer(cause, timeoutMs)
    }
  }

  /** @returns the JSON of a good answer, as the schema of its route describes it */
  async function ask<T>(method: string, path: string, content?: Content): Promise<T> {
    const response = await send(method, path, content)
    if (!response.ok) throw await problemOf(response)
    try {
      return (await response.json()) as T // the service's answers are typed by the same schemas
    } catch (cause) {
      if (cause instanceof SyntaxError)
        throw new CountersignError('unexpected', 'The answer is not JSON.', {
          status: response.status,
          cause,
        })
      throw noAnswer(cause, timeoutMs)
    }
  }

  const json = (value: object): Content => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  })
  const form = (token: string): Content => ({
    headers: { authorization: oauthAuthorization },
    body: new URLSearchParams({ token }),
  })
  const sessionsOf = (uid: string) => `/accounts/${encodeURIComponent(uid)}/sessions`

  async function verifyBatch(tokens: readonly string[]): Promise<Verdict[]> {
    const { verdicts } = await ask<{ verdicts?: Verdict[] }>('POST', '/verify', json({ tokens }))
    if (verdicts?.length === tokens.length) return verdicts
    throw new CountersignError('unexpected', 'The answer has not one verdict for each token.')
  }

  /** @returns whether there was something to end; the service says 404 in its own words when there was not */
  async function end(path: string): Promise<boolean> {
    const response = await send('DELETE', path)
    if (response.ok) return true
    const problem = await problemOf(response)
    if (response.status === 404 && problem.message === NO_SUCH_SESSION) return false
    throw problem
  }

  return {
    async verify(token) {
      const [verdict] = await verifyBatch([token])
      return verdict as Verdict // it has as many as it was asked for
    },
    async verifyAll(tokens) {
      const batches = Array.from({ length: Math.ceil(tokens.length / MOST_TOKENS) }, (_, i) =>
        verifyBatch(tokens.slice(i * MOST_TOKENS, (i + 1) * MOST_TOKENS)),
      )
      return (await Promise.all(batches)).flat()
    },
    introspect: (token) => ask('POST', '/oauth2/introspect', form(token)),
    async revoke(token) {
      await ask('POST', '/oauth2/revoke', form(token))
    },
    sessions: {
      open: (uid, wanted = {}) => ask('POST', sessionsOf(uid), json(wanted)),
      list: (uid) => ask('GET', sessionsOf(uid)),
      revoke: (uid, id) => end(`${sessionsOf(uid)}/${encodeURIComponent(id)}`),
      async revokeAll(uid, { except } = {}) {
        const query = except === undefined ? '' : `?${new URLSearchParams({ except })}`
        await end(sessionsOf(uid) + query)
      },
    },
  }
}

/** Not every runtime with `fetch` has a Buffer. */
const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
const formEncode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
