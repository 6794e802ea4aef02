/**
 * The one way in: turns a credential into a decision. Begins refused, returns early on every doubt, upgrades last.
 * What can be refused without Redis is: no token, a bad spelling, a bad MAC or signature, a handle that is not the token's.
 */
import type { Account } from '../account.js'
import type { Decision, Grant, Mode, RefusalCode } from '../session.js'
import { refuse } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { Presented, SessionStore } from '../store/sessions.js'
import type { Countersigner } from '../token/countersign.js'
import type { Credential } from './credential.js'

export interface Authenticator {
  /**
   * Judges `credential`; with mode `rotate` or `force` the decision may carry the session's next token.
   *
   * @throws StoreUnavailable when Redis cannot tell, Overloaded when too many passwords wait
   */
  authenticate(credential: Credential, mode: Mode): Promise<Decision>
}

/** Whoever knows passwords. */
export interface PasswordJudge {
  authenticate(
    login: string,
    password: string,
  ): Promise<{ ok: true; account: Account } | { ok: false; code: RefusalCode }>
}

interface Parts {
  countersigner: Countersigner
  store: Pick<SessionStore, 'present'>
  passwords: PasswordJudge
}

/** Makes the authenticator of one key ring and one store. */
export function createAuthenticator({ countersigner, store, passwords }: Parts): Authenticator {
  async function judgeToken(credential: Credential & { kind: 'token' }, mode: Mode): Promise<Decision> {
    const claim = countersigner.verify(credential.token)
    if (typeof claim === 'string') return refuse(claim)
    if (credential.handle !== undefined && credential.handle !== claim.handle) return refuse('mismatch')

    // The exact uid is judged where the record is, so that a wrong one cannot make the session rotate.
    const place = credential.uid === undefined ? undefined : placeOf(credential.uid)
    if (place !== undefined && place.tag !== claim.tag) return refuse('mismatch')

    const presented = await store.present({ ...claim, uidHash: place?.uidHash }, mode)
    return decide(presented, (n, b) => countersigner.mint(claim, n, b), credential.token)
  }

  async function judgePassword(login: string, password: string): Promise<Decision> {
    const judged = await passwords.authenticate(login, password)
    if (!judged.ok) return refuse(judged.code)
    return { ok: true, account: judged.account, session: undefined, token: undefined }
  }

  return {
    async authenticate(credential, mode) {
      switch (credential.kind) {
        case 'none':
          return refuse('missing')
        case 'conflict':
          return refuse('conflict')
        case 'token':
          return judgeToken(credential, mode)
        case 'password':
          return judgePassword(credential.login, credential.password)
        case 'jwt':
          return refuse('malformed')
      }
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
