/** What can be done with sessions, in one place for the dialects: open, authenticate, end. */
import type { SessionStore } from '../store/sessions.js'
import type { Countersigner } from '../token/countersign.js'
import { type Authenticator, createAuthenticator, type PasswordJudge } from './authenticate.js'
import type { Ender } from './end.js'
import { createOpener, type Opener } from './open.js'
import type { SessionPolicy } from './policy.js'

export interface Sessions extends Authenticator, Opener, Ender {}

export interface SessionParts {
  countersigner: Countersigner
  store: SessionStore
  policy: SessionPolicy
  passwords: PasswordJudge
  /** Made before, because accounts end sessions too. */
  ender: Ender
}

export function createSessions(parts: SessionParts): Sessions {
  return { ...createAuthenticator(parts), ...createOpener(parts), ...parts.ender }
}
