/**
 * The nouns of a session: what a client holds, what we decide about it, and the words for saying no.
 * Nothing here has a secret in it, reads a clock or knows a wire format.
 */
import type { Account } from './account.js'
import type { KnownLocation } from './location.js'

/** `rotating`: changes as it is used; `fixed`: an opaque bearer token; `jwt`: a personal access token. */
export type Kind = 'rotating' | 'fixed' | 'jwt'

/** Where and on what a session was last used. */
export interface Use {
  ip: string
  userAgent: string
}

/** What the store keeps of the last use; user agents are stored once, under their hash. */
export interface LastUse {
  /** ms since the epoch. */
  seenAt: number
  ip: string | undefined
  /** 8 characters of base64url; undefined when the client sent none. */
  userAgentHash: string | undefined
}

/** The standing grant of one client (browser, phone, job) of one account. Times are ms since the epoch. */
export interface Session {
  /** Public name: 22 characters of base64url, the hash of the session's secret. */
  handle: string
  /** Three characters shared by all keys of one account; its Redis Cluster hash tag. */
  tag: string
  uid: string
  kind: Kind
  createdAt: number
  /** When it ends if it is not used again; slides with use, never decreases, never passes `endsAt`. */
  expiresAt: number
  /** When it ends in any case. */
  endsAt: number
  scopes: readonly string[]
}

/** A session with what a listing knows beyond it. */
export interface ListedSession {
  session: Session
  /** ms since the epoch; at least as late as `lastUse`, which is noted after the answer. */
  lastSeenAt: number
  description: string | undefined
  lastUse: LastUse
  /** Whether it has a push subscription, so that its owner is told of news there. */
  notifications: boolean
}

/** A user agent as people call it; what it does not tell is undefined. */
export interface Device {
  /** `desktop`, `mobile`, `tablet`, `tv` or `bot`. */
  type: string | undefined
  os: string | undefined
  browser: string | undefined
}

/** A session as its owner sees it. */
export interface SessionView {
  session: Session
  /** ms since the epoch. */
  lastSeenAt: number
  description: string | undefined
  /** The address of its last use; undefined when unknown. */
  ip: string | undefined
  /** The user agent of its last use, `''` when it sent none. */
  userAgent: string
  device: Device
  location: KnownLocation | undefined
  /** Whether it has a push subscription, so that its owner is told of news there. */
  notifications: boolean
}

/**
 * Why a credential was refused. Outside, all of a dialect's 401s read alike; the code goes to events and metrics.
 * `missing` to `conflict` are decided without Redis.
 */
export type RefusalCode =
  | 'missing'
  | 'malformed'
  | 'forged'
  | 'conflict'
  | 'mismatch'
  | 'wrong-password'
  | 'unknown'
  | 'revoked'
  | 'expired'
  | 'suspended'
  | 'fork'
  | 'replay'
  | 'reissue-limit'
  | 'ahead'

/** A refusal is a value: it costs no stack, and nothing on the way up can turn it into an error 500. */
export interface Refusal {
  code: RefusalCode
}

/** What a request is allowed to do to the token it presents. */
export type Mode =
  /** Say whether it is good; never hand out another. */
  | 'verify'
  /** Hand out the next one when it is due. */
  | 'rotate'
  /** Hand out the next one now (devise's `unbatch`). */
  | 'force'

/** How a rotating session rotates. Durations in ms; the state machine that they steer is `store/lua/present.lua`. */
export interface RotationPolicy {
  /** G: a token younger than this is not replaced. 0 = every request. */
  rotateAfterMs: number
  /** Z: how long a superseded token stays good once its successor has been seen. At most 2G, unless G is 0. */
  leewayMs: number
  /** Y: how long we wait for a handed-out token to be seen before we hand out another. */
  reissueAfterMs: number
  /** R: how many times in a row a token is handed out anew before the session ends. */
  reissues: number
  /** What a replay or a fork does: end the session, or only refuse the request (what devise does). */
  onReplay: 'revoke' | 'reject'
}

/** How long sessions live and how many an account may have. Durations in ms. */
export interface LifePolicy {
  idleMs: number
  absoluteMs: number
  /** Sessions of one kind an account may have; the least recently used goes first, never the new one. */
  maxSessions: number
  /** For how long the record of an expired JWT stays, so that it can be listed as such; 0 when absent. Not for other kinds. */
  lingerMs?: number
}

/** What a good credential proves. */
export interface Grant {
  ok: true
  /** Absent when the credential was a password, which belongs to no session. */
  session: Session | undefined
  /** Of that password, then: what tells it from the account's next (`accounts/password.ts`). */
  passwordMark?: string
  account: Account
  /** The one token that the answer may carry; undefined when it must carry none. */
  token: string | undefined
  /** Whether `token` takes the place of the one that was presented; otherwise it is the same. */
  rotated: boolean
  /** Only of an answer that is given again and again. */
  lasting?: Lasting | undefined
}

/**
 * What is made of an answer once, by those who meet it again and again. Each of them declares a place of its own, as with
 * Fastify's requests. The places are in the answer that is kept (`store/near-entry.ts`): among many sessions each other object,
 * as each look into a table, is a cache miss.
 */
export interface Lasting {
  /** When it was given last, monotonic ms, whole: whoever needs the time of a request need not look at the clock again. */
  givenAt: number
}

export type Decision = Grant | { ok: false; refusal: Refusal }

/**
 * What entitles an account's owner to one session more. It is judged again in the moment of the opening: else whoever is quick
 * would have one that outlives what ended meanwhile.
 */
export type Warrant = { passwordMark: string } | { sessionHandle: string }

/** @returns the warrant of whoever opens a session by what `grant` has proved */
export const warrantOf = ({ session, passwordMark = '' }: Grant): Warrant =>
  session === undefined ? { passwordMark } : { sessionHandle: session.handle }

/** @returns a decision that says no, for `code`. */
export function refuse(code: RefusalCode): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { code } }
}

/**
 * The same 128 bits in the spelling of a UUID, for dialects whose ids look like one. They are a hash or random, and
 * all of them count: no version or variant (RFC 9562 section 4) is forced on them, so that the way back exists.
 */
export function uuidOfHandle(handle: string): string {
  return Buffer.from(handle, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** @returns the handle that `uuid`, in either case, spells; undefined when it is no UUID text */
export function handleOfUuid(uuid: string): string | undefined {
  if (!/^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(uuid)) return undefined
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url')
}
