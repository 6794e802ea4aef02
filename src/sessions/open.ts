/** Opens sessions: a fresh secret, one record, and the first token, which is handed out once. */
import type { Account } from '../account.js'
import type { Kind, Session, Use } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { SessionStore } from '../store/sessions.js'
import type { Countersigner } from '../token/countersign.js'
import type { SessionPolicy } from './policy.js'

export interface NewSession {
  account: Account
  kind: Kind
  use: Use
  scopes?: readonly string[]
  description?: string
  /** ms; the policy's when absent. */
  lifeMs?: number
}

/** Why a session was not opened, though its account was authenticated: it was deleted or suspended meanwhile. */
export type OpenRefusal = 'unknown' | 'suspended' | 'revoked' | 'description-taken'

/** A session that was opened always has its first token, handed out here and never again. */
export interface OpenedSession {
  ok: true
  session: Session
  account: Account
  token: { value: string }
  /** Handles of the sessions that made room for it. */
  evicted: readonly string[]
}

export type Opened = OpenedSession | { ok: false; refusal: { code: OpenRefusal } }

export interface Opener {
  /** @throws StoreUnavailable when Redis cannot store it */
  open(wanted: NewSession): Promise<Opened>
}

interface Parts {
  countersigner: Countersigner
  store: Pick<SessionStore, 'open'>
  policy: SessionPolicy
}

/** The generation that a kind starts at; 0 marks tokens that never change. */
const firstGeneration = { rotating: 1, fixed: 0, jwt: 0 } as const

export function createOpener({ countersigner, store, policy }: Parts): Opener {
  return {
    async open({ account, kind, use, scopes = [], description, lifeMs }) {
      const { tag } = placeOf(account.uid)
      const claim = countersigner.begin(tag, firstGeneration[kind])
      const life = policy[kind]
      const opened = await store.open({
        tag,
        handle: claim.handle,
        uid: account.uid,
        kind,
        scopes,
        description,
        use,
        life: { ...life, idleMs: lifeMs ?? life.idleMs, absoluteMs: lifeMs ?? life.absoluteMs },
      })
      if (opened.verdict !== 'opened') return { ok: false, refusal: { code: opened.verdict } }
      const { session, evicted } = opened
      const value = countersigner.mint(claim, claim.n, 0)
      return { ok: true, session, account: opened.account, token: { value }, evicted }
    },
  }
}
