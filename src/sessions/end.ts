/** Ends sessions. From the moment that a call resolves, no instance that asks Redis accepts a token of what it ended. */
import type { Session } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { SessionStore } from '../store/sessions.js'

export interface Ender {
  /** Ends one session. Ending one twice is no error. */
  end(session: Pick<Session, 'tag' | 'handle'>, reason: string): Promise<void>
  /** Ends all sessions of an account, or all but the one with `exceptHandle`. */
  endAll(uid: string, reason: string, exceptHandle?: string): Promise<void>
}

export function createEnder({ store }: { store: Pick<SessionStore, 'revoke' | 'revokeAll'> }): Ender {
  return {
    async end({ tag, handle }, reason) {
      await store.revoke(tag, handle, reason)
    },
    async endAll(uid, reason, exceptHandle) {
      await store.revokeAll(placeOf(uid), reason, exceptHandle)
    },
  }
}
