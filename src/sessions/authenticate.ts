/**
 * The one way in: turns a credential into a decision. Begins refused, returns early on every doubt, upgrades last.
 * What can be refused without Redis is: no token, a bad spelling, a bad MAC, a handle that is not the token's.
 */
import type { Decision, Grant, Mode } from '../session.js'
import { refuse } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { Presented, SessionStore } from '../store/sessions.js'
import type { Countersigner } from '../token/countersign.js'
import type { Credential } from './credential.js'

export interface Authenticator {
  /**
   * Judges `credential`; with mode `rotate` or `force` the decision may carry the session's next token.
   *
   * @throws StoreUnavailable when Redis cannot tell
   */
  authenticate(credential: Credential, mode: Mode): Promise<Decision>
}

interface Parts {
  countersigner: Countersigner
  store: Pick<SessionStore, 'present'>
}

/** Makes the authenticator of one key ring and one store. */
export function createAuthenticator({ countersigner, store }: Parts): Authenticator {
  return {
    async authenticate(credential, mode) {
      if (credential.kind === 'none') return refuse('missing')
      if (credential.kind === 'conflict') return refuse('conflict')

      const claim = countersigner.verify(credential.token)
      if (typeof claim === 'string') return refuse(claim)
      if (credential.handle !== undefined && credential.handle !== claim.handle) return refuse('mismatch')

      // The uid is judged where the record is, so that a wrong one cannot make the session rotate.
      const place = credential.uid === undefined ? undefined : placeOf(credential.uid)
      if (place !== undefined && place.tag !== claim.tag) return refuse('mismatch')

      const presented = await store.present({ ...claim, uidHash: place?.uidHash }, mode)
      return decide(presented, (n, b) => countersigner.mint(claim, n, b), credential.token)
    },
  }
}

function decide(presented: Presented, mint: (n: number, b: number) => string, token: string): Decision {
  switch (presented.verdict) {
    case 'rotated':
    case 'reissued':
      return grant(presented, { value: mint(presented.n, presented.b), fresh: true })
    case 'current':
      return grant(presented, { value: token, fresh: false })
    case 'accepted':
      return grant(presented, undefined)
    default:
      return refuse(presented.verdict)
  }
}

function grant({ session, account }: Pick<Grant, 'session' | 'account'>, token: Grant['token']): Grant {
  return { ok: true, session, account, token }
}
