/** Opens sessions: a fresh secret, one record, and the first token, which is handed out once. */
import { type Account, canonicalName } from '../account.js'
import type { Actor, Audit } from '../event.js'
import type { Kind, Session, Warrant } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { OpenRefusal } from '../store/record.js'
import type { SessionStore } from '../store/sessions.js'
import type { Countersigner } from '../token/countersign.js'
import type { Jwts } from '../token/jwt.js'
import type { Activity } from './activity.js'
import type { SessionPolicy } from './policy.js'

export type { OpenRefusal } from '../store/record.js'

export interface NewSession {
  account: Account
  kind: Kind
  /** undefined: somebody vouches for the owner, a service or who has just made the account. */
  warrant: Warrant | undefined
  /** Who asks for it, and from where: its first use. */
  actor: Actor
  scopes?: readonly string[]
  description?: string
  /** ms; the policy's when absent. */
  lifeMs?: number
}

/** A session that was opened always has its first token, handed out here and never again. */
export interface OpenedSession {
  ok: true
  session: Session
  account: Account
  token: string
}

export type Opened = OpenedSession | { ok: false; code: OpenRefusal }

export interface Opener {
  /** @throws StoreUnavailable when Redis cannot store it */
  open(wanted: NewSession): Promise<Opened>
}

export interface OpenerParts {
  countersigner: Countersigner
  jwts: Pick<Jwts, 'sign'>
  store: Pick<SessionStore, 'open'>
  policy: SessionPolicy
  audit: Audit
  activity: Pick<Activity, 'note'>
}

/** The generation that a kind starts at; 0 marks tokens that never change. */
const firstGeneration = { rotating: 1, fixed: 0, jwt: 0 } as const

/** Makes what opens sessions of every kind. */
export function createOpener({ countersigner, jwts, store, policy, audit, activity }: OpenerParts): Opener {
  return {
    async open({ account, kind, warrant, actor, scopes = [], description = '', lifeMs }) {
      const { uid } = account
      const claim = countersigner.begin(placeOf(uid).tag, firstGeneration[kind])
      const life = { ...policy[kind], ...(lifeMs !== undefined && { idleMs: lifeMs, absoluteMs: lifeMs }) }
      const { tag, handle } = claim
      const use = actor
      const opened = await store.open({ tag, handle, uid, kind, warrant, scopes, description, use, life })
      if (opened.verdict !== 'opened') return { ok: false, code: opened.verdict }

      const { session, evicted } = opened
      const bySomebodyElse = actor.uid !== undefined && canonicalName(actor.uid) !== canonicalName(uid)
      activity.note(session, actor, bySomebodyElse ? 'opened-for-another' : 'opened')
      const { createdAt: issuedAt, endsAt: expiresAt } = session
      const token =
        kind === 'jwt'
          ? jwts.sign({ uid, handle, description, issuedAt, expiresAt })
          : countersigner.mint(claim, claim.n, 0)
      const { ip, userAgent } = actor
      audit({ type: 'session.opened', actor: actor.uid, uid, handle, kind, ip, userAgent })
      for (const other of evicted)
        audit({
          type: 'session.evicted',
          actor: actor.uid,
          uid,
          handle: other,
          kind,
          ip,
          userAgent,
          ended: 1,
        })
      return { ok: true, session, account: opened.account, token }
    },
  }
}
