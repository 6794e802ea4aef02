/** Ends sessions. From the moment that a call resolves, no instance that asks Redis accepts a token of what it ended. */
import { canonicalName } from '../account.js'
import type { Actor, Audit } from '../event.js'
import { placeOf } from '../store/keys.js'
import type { SessionStore } from '../store/sessions.js'
import type { Countersigner } from '../token/countersign.js'
import type { Jwts } from '../token/jwt.js'

export interface Ender {
  /** Ends one session of an account. @returns false when it has no such session */
  end(uid: string, handle: string, reason: string, actor: Actor): Promise<boolean>
  /**
   * Ends the session of a token, which need not be its newest: whoever has one may end what it belongs to. Only when it
   * is a session of `onlyOf`, if that is given. What is no token of ours, or of a session that is over, ends nothing.
   */
  endByToken(token: string, reason: string, actor: Actor, onlyOf?: string): Promise<void>
  /** Ends all sessions of an account, or all but the one with `exceptHandle`. @returns how many */
  endAll(uid: string, reason: string, actor: Actor, exceptHandle?: string): Promise<number>
}

export interface EnderParts {
  store: Pick<SessionStore, 'revoke' | 'revokeAll'>
  audit: Audit
  countersigner: Pick<Countersigner, 'verify'>
  jwts: Pick<Jwts, 'verify'>
}

/** Makes the one way out; every end is recorded. */
export function createEnder({ store, audit, countersigner, jwts }: EnderParts): Ender {
  async function end(
    at: { tag: string; handle: string; uidHash?: string | undefined },
    reason: string,
    actor: Actor,
  ) {
    const ended = await store.revoke(at.tag, at.handle, reason, at.uidHash)
    if (ended === undefined) return false
    const { handle, kind, uid } = ended.session
    const { ip, userAgent } = actor
    audit({ type: 'session.ended', actor: actor.uid, uid, handle, kind, reason, ip, userAgent, ended: 1 })
    return true
  }

  /** Where the record of a genuine token's session is. */
  async function recordOf(token: string) {
    const claim = countersigner.verify(token)
    if (typeof claim !== 'string') return claim
    const jwt = await jwts.verify(token)
    return typeof jwt === 'string' ? undefined : { tag: placeOf(jwt.uid).tag, handle: jwt.handle }
  }

  return {
    end: (uid, handle, reason, actor) => end({ ...placeOf(uid), handle }, reason, actor),

    async endByToken(token, reason, actor, onlyOf) {
      const record = await recordOf(token)
      if (record === undefined) return
      const { tag, handle } = record
      await end({ tag, handle, uidHash: onlyOf && placeOf(onlyOf).uidHash }, reason, actor)
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
