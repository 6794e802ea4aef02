/** Ends sessions. From the moment that a call resolves, no instance that asks Redis accepts a token of what it ended. */
import { canonicalName } from '../account.js'
import type { Actor, Audit } from '../event.js'
import { placeOf } from '../store/keys.js'
import type { SessionStore } from '../store/sessions.js'

export interface Ender {
  /** Ends one session of an account. @returns false when it has no such session */
  end(uid: string, handle: string, reason: string, actor: Actor): Promise<boolean>
  /** Ends all sessions of an account, or all but the one with `exceptHandle`. @returns how many */
  endAll(uid: string, reason: string, actor: Actor, exceptHandle?: string): Promise<number>
}

export interface EnderParts {
  store: Pick<SessionStore, 'revoke' | 'revokeAll'>
  audit: Audit
}

export function createEnder({ store, audit }: EnderParts): Ender {
  return {
    async end(uid, handle, reason, actor) {
      const { tag, uidHash } = placeOf(uid)
      const ended = await store.revoke(tag, handle, reason, uidHash)
      if (ended === undefined) return false
      const { kind, uid: owner } = ended.session
      const { ip, userAgent } = actor
      audit({
        type: 'session.ended',
        actor: actor.uid,
        uid: owner,
        handle,
        kind,
        reason,
        ip,
        userAgent,
        ended: 1,
      })
      return true
    },

    async endAll(uid, reason, actor, exceptHandle) {
      const { length: ended } = await store.revokeAll(placeOf(uid), reason, exceptHandle)
      const { ip, userAgent } = actor
      audit({
        type: 'sessions.ended',
        actor: actor.uid,
        uid: canonicalName(uid),
        reason,
        ip,
        userAgent,
        ended,
      })
      return ended
    },
  }
}
