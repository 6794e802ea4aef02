/** Session ⇄ Redis: what the scripts reply. The record's own layout is written once, in `lua/record.lua`. */
import type { Account } from '../account.js'
import type { Kind, LastUse, LifePolicy, ListedSession, Session, Use, Warrant } from '../session.js'
import { parseUse } from './packed-use.js'

/** A session as the scripts reply it; `Text` is string or Buffer, by the form of the command. Times are ms. */
export type Facts<Text> = [
  handle: Text,
  kind: Text,
  createdAt: number,
  expiresAt: number,
  endsAt: number,
  scopes: Text,
]

/** What `lua/list.lua` replies of one session. */
export type ListEntry = [
  facts: Facts<Buffer>,
  lastSeenAt: number,
  lastUse: Buffer,
  description: Buffer | null,
  notifications: Buffer | null,
]

export interface NewRecord {
  tag: string
  handle: string
  uid: string
  kind: Kind
  /** What it rests on; absent when somebody vouches for its owner. */
  warrant?: Warrant | undefined
  scopes: readonly string[]
  /** No two live JWTs of an account share one. */
  description?: string | undefined
  use?: Use | undefined
  life: LifePolicy
}

/**
 * Why no session was opened, though somebody was authenticated: the account was deleted or suspended meanwhile; the session
 * that was the warrant for it has ended, as the new one may have; the password was changed. No two live JWTs of an account share
 * a description.
 */
export type OpenRefusal = 'unknown' | 'suspended' | 'revoked' | 'wrong-password' | 'description-taken'

export type OpenedRecord =
  | { verdict: 'opened'; session: Session; account: Account; evicted: string[] }
  | { verdict: OpenRefusal }

/** @returns `warrant` as `lua/open.lua` takes it */
export function packWarrant(warrant: Warrant | undefined): string {
  if (warrant === undefined) return ''
  return 'passwordMark' in warrant ? `p${warrant.passwordMark}` : `s${warrant.sessionHandle}`
}

/** A session that was ended, as it last was. */
export interface Ended {
  session: Session
  account: Account
  lastUse: LastUse
}

export interface UseNote extends Use {
  tag: string
  handle: string
  /** ms since the epoch by this machine's clock; now when absent. */
  atMs?: number | undefined
}

/** One for all sessions that have none, as nearly all have. */
const NO_SCOPES: readonly string[] = []

/** Reads scopes as they are stored: words between single spaces. */
export const scopesIn = (words: string): readonly string[] => (words === '' ? NO_SCOPES : words.split(' '))

/** Reads the facts of a session of `account`; the uid is the account's, stored once, there. */
export function toSession(facts: Facts<string | Buffer>, tag: string, account: Account): Session {
  const [handle, kind, createdAt, expiresAt, endsAt, scopes] = facts
  return {
    handle: handle.toString(),
    tag,
    uid: account.uid,
    kind: kind.toString() as Kind, // the script's own words
    createdAt,
    expiresAt,
    endsAt,
    scopes: scopesIn(scopes.toString()),
  }
}

/** Reads what a listing has of a session of `account`. */
export function toListed(entry: ListEntry, tag: string, account: Account): ListedSession {
  const [facts, lastSeenAt, lastUse, description, notifications] = entry
  return {
    session: toSession(facts, tag, account),
    lastSeenAt,
    description: description?.toString(),
    lastUse: parseUse(lastUse),
    notifications: notifications !== null,
  }
}
