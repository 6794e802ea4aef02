/**
 * Sessions in Redis: one function per script, and nothing between reading and writing but the script itself.
 *
 * Refusals are verdicts; what throws is `StoreUnavailable`, or a bug. After a fault nobody knows whether a write happened:
 * every call may be repeated.
 */
import type { ListedSession, Mode, RotationPolicy } from '../session.js'
import { parseAccount } from './account-record.js'
import { sendBatches } from './batches.js'
import type { RedisClient } from './connect.js'
import { createGate } from './gate.js'
import { accountKey, type Place, placeOf, sessionKey, sessionsOfKey, subscriptionKey } from './keys.js'
import { packUse, parseUse } from './packed-use.js'
import type { Presentation } from './present-call.js'
import { createPresenter, type Presented } from './presentations.js'
import {
  type Ended,
  type NewRecord,
  type OpenedRecord,
  packWarrant,
  toListed,
  toSession,
  type UseNote,
} from './record.js'
import { defineSessionScripts } from './scripts.js'

export type { Presentation } from './present-call.js'
export type { Presented } from './presentations.js'
export type { Ended, NewRecord, OpenedRecord, UseNote } from './record.js'

export interface SessionStoreOptions {
  redis: RedisClient
  rotation: RotationPolicy
  /** Called with the handle of each session that a call here has ended, before the call resolves. */
  onEnded?: (handle: string) => void
  /** Test hook, ms; Redis' own clock when absent. */
  now?: () => number
  /** Calls that may be in flight at once; further ones fail at once rather than queue. */
  mostInFlight?: number
}

export interface SessionStore {
  /** Opens a session and ends its least recently used siblings of that kind beyond `life.maxSessions`. */
  open(record: NewRecord): Promise<OpenedRecord>
  /** Judges a token that its MAC has proved genuine; in the modes `rotate` and `force` it may be told the next one. */
  present(presentation: Presentation, mode: Mode): Promise<Presented>
  /** Ends one session, if it is there and (when `uidHash` is given) belongs to that account. */
  revoke(tag: string, handle: string, reason: string, uidHash?: string): Promise<Ended | undefined>
  /** Ends all sessions of an account, or all but one. @returns the handles of those it ended */
  revokeAll(place: Place, reason: string, exceptHandle?: string): Promise<string[]>
  /**
   * The sessions of an account, most recently used first; expired JWTs too, as long as their records linger. With `only`, a
   * handle, that one or none: the others, which may be many, are not looked at.
   */
  list(place: Place, only?: string): Promise<ListedSession[]>
  /** Notes uses after the fact. A session that is gone stays gone. @returns the handles that were alive */
  touch(notes: readonly UseNote[]): Promise<string[]>
  /** Ties a sealed push subscription to a session in place of what it had. @returns false when the account has no such session */
  subscribe(place: Place, handle: string, sealed: string): Promise<boolean>
  /** Takes a session's push subscription away; only `sealed`, if that is given. @returns false when it has none such */
  unsubscribe(place: Place, handle: string, sealed?: string): Promise<boolean>
  /** The push subscriptions, sealed, of sessions of one account, by handle; those that have none are missing. */
  subscriptions(tag: string, handles: readonly string[]): Promise<Map<string, string>>
  /** Resolves when Redis answers. */
  ping(): Promise<void>
}

const MOST_IN_FLIGHT = 10_000
/** Branches are one byte of the token; the highest is kept free. */
const MOST_REISSUES = 250
/** A record keeps its times as five-byte distances from its absolute end, and two of them as three-byte distances. */
const LONGEST_LIFE_MS = 2 ** 40 - 1
const LONGEST_LEEWAY_MS = 2 ** 24 - 1
/** Notes that one script call takes. */
const MOST_NOTES = 256

/** Makes the session store of one Redis. @throws Error when the rotation policy is beyond what a record can hold */
export function createSessionStore(options: SessionStoreOptions): SessionStore {
  const { redis, rotation, onEnded = () => undefined, mostInFlight = MOST_IN_FLIGHT } = options
  if (!(rotation.reissues >= 0 && rotation.reissues <= MOST_REISSUES))
    throw new Error(`a token cannot be re-issued more than ${MOST_REISSUES} times in a row`)
  if (!(rotation.leewayMs >= 0 && rotation.leewayMs < LONGEST_LEEWAY_MS))
    throw new Error('a leeway cannot be longer than 4.6 hours')
  const now = options.now ?? (() => '0' as const)
  defineSessionScripts(redis)
  const gate = createGate(mostInFlight)
  const ask = gate.pass

  return {
    async open({ tag, handle, uid, kind, warrant, scopes, description = '', use, life }) {
      if (!(life.absoluteMs <= LONGEST_LIFE_MS)) throw new RangeError('no session lives longer than 34 years')
      const place = placeOf(uid)
      const unique = kind === 'jwt' && description !== '' ? 'unique' : ''
      const reply = await ask(() =>
        redis.sessionOpen(
          sessionKey(tag, handle),
          sessionsOfKey(place),
          accountKey(place),
          now(),
          kind,
          Math.min(life.idleMs, life.absoluteMs),
          life.absoluteMs,
          kind === 'jwt' ? (life.lingerMs ?? 0) : 0,
          life.maxSessions,
          scopes.join(' '),
          description,
          unique,
          packUse(use),
          packWarrant(warrant),
        ),
      )
      if (reply[0] !== 'opened') return { verdict: reply[0] }
      const [verdict, facts, doc, evicted] = reply
      const account = parseAccount(doc)
      evicted.forEach(onEnded)
      return { verdict, session: toSession(facts, tag, account), account, evicted }
    },

    present: createPresenter({ redis, rotation, now, onEnded, gate }),

    async revoke(tag, handle, reason, uidHash = '') {
      const reply = await ask(() =>
        redis.sessionRevokeBuffer(sessionKey(tag, handle), now(), reason, uidHash),
      )
      if (reply === null) return undefined
      onEnded(handle)
      const [facts, doc, lastUse] = reply
      if (doc === null) return undefined // its account went before it: there is nobody to speak of
      const account = parseAccount(doc.toString())
      return { session: toSession(facts, tag, account), account, lastUse: parseUse(lastUse) }
    },

    async revokeAll(place, reason, exceptHandle = '') {
      const ended = await ask(() => redis.sessionRevokeAll(sessionsOfKey(place), now(), reason, exceptHandle))
      ended.forEach(onEnded)
      return ended
    },

    async list(place, only = '') {
      const [doc, ...entries] = await ask(() =>
        redis.sessionListBuffer(sessionsOfKey(place), accountKey(place), now(), only),
      )
      if (doc === null) return []
      const account = parseAccount(doc.toString())
      return entries
        .map((entry) => toListed(entry, place.tag, account))
        .sort((one, other) => other.lastSeenAt - one.lastSeenAt)
    },

    async touch(notes) {
      const sentAt = Date.now()
      const calls = sendBatches(redis, notes, MOST_NOTES, (group) =>
        ask(() =>
          redis.sessionTouch(
            group.length,
            ...group.map(({ tag, handle }) => sessionKey(tag, handle)),
            now(),
            ...group.flatMap((note) => [Math.max(0, sentAt - (note.atMs ?? sentAt)), packUse(note)]),
          ),
        ),
      )
      return (await Promise.all(calls)).flat()
    },

    async subscribe({ tag, uidHash }, handle, sealed) {
      const key = sessionKey(tag, handle)
      return (await ask(() => redis.sessionSubscribe(key, now(), uidHash, sealed, ''))) === 'subscribed'
    },

    async unsubscribe({ tag, uidHash }, handle, sealed = '') {
      const key = sessionKey(tag, handle)
      return (await ask(() => redis.sessionSubscribe(key, now(), uidHash, '', sealed))) === 'unsubscribed'
    },

    async subscriptions(tag, handles) {
      if (handles.length === 0) return new Map()
      const keys = handles.map((handle) => subscriptionKey(tag, handle))
      const found = await ask(() => redis.mget(keys))
      return new Map(handles.flatMap((handle, i) => (found[i] ? [[handle, found[i]] as const] : [])))
    },

    async ping() {
      await ask(() => redis.ping())
    },
  }
}
