/** What can be done with sessions, in one place for the dialects: open, authenticate, end. */
import type { Session } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { SessionStore } from '../store/sessions.js'
import type { Countersigner } from '../token/countersign.js'
import { type Authenticator, createAuthenticator } from './authenticate.js'
import { createOpener, type Opener } from './open.js'
import type { SessionPolicy } from './policy.js'

export interface Sessions extends Authenticator, Opener {
  /** Ends one session; its tokens are refused from the moment this resolves. Ending one twice is no error. */
  end(session: Pick<Session, 'tag' | 'handle'>, reason: string): Promise<void>
  /** Ends all sessions of an account, or all but the one with `exceptHandle`. */
  endAll(uid: string, reason: string, exceptHandle?: string): Promise<void>
}

interface Parts {
  countersigner: Countersigner
  store: SessionStore
  policy: SessionPolicy
}

export function createSessions(parts: Parts): Sessions {
  const { store } = parts
  return {
    ...createAuthenticator(parts),
    ...createOpener(parts),
    async end({ tag, handle }, reason) {
      await store.revoke(tag, handle, reason)
    },
    async endAll(uid, reason, exceptHandle) {
      await store.revokeAll(placeOf(uid), reason, exceptHandle)
    },
  }
}
