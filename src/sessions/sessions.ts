/** What can be done with sessions, in one place for the dialects. */
import { type Authenticator, type AuthenticatorParts, createAuthenticator } from './authenticate.js'
import { createEnder, type Ender, type EnderParts } from './end.js'
import { createLister, type Lister, type ListerParts } from './list.js'
import { createOpener, type Opener, type OpenerParts } from './open.js'

export interface Sessions extends Authenticator, Opener, Ender, Lister {}

export type SessionParts = AuthenticatorParts & OpenerParts & EnderParts & ListerParts

/** Makes all of it from the same parts. */
export function createSessions(parts: SessionParts): Sessions {
  return {
    ...createAuthenticator(parts),
    ...createOpener(parts),
    ...createEnder(parts),
    ...createLister(parts),
  }
}
