/** The audit trail's nouns: who did what to whom, from where, and why. No event ever holds a token or a password. */
import type { Kind, Use } from './session.js'

/** Every act adds exactly one event, however many sessions it ends. */
export type EventType =
  | 'session.opened'
  /** The least recently used session made room for a new one. */
  | 'session.evicted'
  | 'session.ended'
  /** Used in a country where no session of its account was used before; `reason` names it. */
  | 'session.new_location'
  /** Opened on a device on which no other session of its account was used last; `reason` names it. */
  | 'session.new_device'
  | 'sessions.ended'
  /** A superseded token was presented after its time: the session has two holders. */
  | 'session.replayed'
  /** Two hand-outs of one generation were both presented: the session has two holders. */
  | 'session.forked'
  /** A token was handed out over and over without ever being seen. */
  | 'session.unconfirmed'
  /** A token proved that Redis lost writes, and the session moved on. */
  | 'session.fast_forwarded'
  /** This instance knew of hand-outs that Redis had lost. */
  | 'session.repaired'
  /** A good token too far ahead to be believed. */
  | 'session.ahead'
  | 'account.created'
  | 'account.changed'
  | 'account.password_changed'
  | 'account.suspended'
  | 'account.restored'
  /** Everywhere, in one step: its sessions from before that moment are over. */
  | 'account.signed_out'
  | 'account.removed'
  | 'key.rotated'

export interface AuditEvent {
  type: EventType
  /** The uid of whoever did it; absent when it was the service itself, or nobody that it knows. */
  actor?: string | undefined
  /** The uid of the account that it was done to. */
  uid?: string | undefined
  handle?: string | undefined
  kind?: Kind | undefined
  reason?: string | undefined
  ip?: string | undefined
  userAgent?: string | undefined
  /** Where the session was last used before, when the two differ in what they mean (a replay has two parties). */
  otherIp?: string | undefined
  /** How many sessions it ended. */
  ended?: number | undefined
  /** The id of a signing key. */
  kid?: string | undefined
}

/** An event as it was recorded. */
export interface RecordedEvent extends AuditEvent {
  /** Orders events and serves as a cursor: `<ms>-<sequence>`. */
  id: string
  /** ms since the epoch, by Redis' clock. */
  at: number
}

/** Records an event after the fact: it neither delays the answer nor fails it. */
export type Audit = (event: AuditEvent) => void

/** Who is asking, and from where. */
export interface Actor extends Use {
  uid: string | undefined
}
