/**
 * The one way in: turns a credential into a decision. Begins refused, returns early on every doubt, upgrades last.
 * What can be refused without Redis is: no token, a bad spelling, a bad MAC or signature, a handle that is not the token's.
 */
import type { Account } from '../account.js'
import type { Audit } from '../event.js'
import { makeRoom } from '../make-room.js'
import type { Decision, Grant, Mode, RefusalCode, Use } from '../session.js'
import { refuse } from '../session.js'
import { type Place, placeOf } from '../store/keys.js'
import type { Presented, SessionStore } from '../store/sessions.js'
import type { Claim, Countersigner } from '../token/countersign.js'
import type { Jwts } from '../token/jwt.js'
import type { Activity } from './activity.js'
import { auditPresented } from './audit-presented.js'
import type { Credential } from './credential.js'
import type { Recall } from './recall.js'

export interface Authenticator {
  /**
   * Judges `credential`, at once where nobody has to be asked; with mode `rotate` or `force` the decision may carry the session's next token. `use` says from
   * where its holder presents it; absent when somebody else asks about it, which is no use of the session.
   *
   * @throws StoreUnavailable, as a rejection, when Redis cannot tell, Overloaded when too many passwords wait
   */
  authenticate(credential: Credential, mode: Mode, use?: Use): Decision | Promise<Decision>
}

/** Whoever knows passwords. */
export interface PasswordJudge {
  authenticate(
    login: string,
    password: string,
  ): Promise<{ ok: true; account: Account; passwordMark: string } | { ok: false; code: RefusalCode }>
}

export interface AuthenticatorParts {
  countersigner: Countersigner
  jwts: Pick<Jwts, 'verify'>
  store: Pick<SessionStore, 'present'>
  passwords: PasswordJudge
  audit: Audit
  activity: Pick<Activity, 'note'>
  recall: Recall
  /** Told of every outcome, for metrics. */
  count?: (outcome: Outcome) => void
}

export type Outcome = 'accepted' | 'rotated' | RefusalCode

const REMEMBERED_PLACES = 10_000

/** Makes the authenticator of one key ring, one store and one set of accounts. */
export function createAuthenticator(parts: AuthenticatorParts): Authenticator {
  const { countersigner, jwts, store, passwords, audit, activity, recall, count = () => {} } = parts

  /** `placeOf`, which hashes, for names that come with every request of a client. */
  const places = new Map<string, Place>()
  function placeFor(uid: string): Place {
    const known = places.get(uid)
    if (known !== undefined) return known
    const place = placeOf(uid)
    places.set(uid, place)
    makeRoom(places, REMEMBERED_PLACES)
    return place
  }

  function judgeToken(
    { token, handle, uid }: Credential & { kind: 'token' },
    mode: Mode,
    use: Use | undefined,
  ): Decision | Promise<Decision> {
    const known = recall.find('token', token, mode, { handle, uid })
    if (known !== undefined) return known
    const claim = countersigner.verify(token)
    if (typeof claim === 'string') return refuse(claim)
    if (handle !== undefined && handle !== claim.handle) return refuse('mismatch')

    // The exact uid is judged where the record is, so that a wrong one cannot make the session rotate.
    const place = uid === undefined ? undefined : placeFor(uid)
    if (place !== undefined && place.tag !== claim.tag) return refuse('mismatch')
    return present(token, claim, place?.uidHash, mode, use)
  }

  // Not an async function, as every rotation comes through here: it would be one more promise, and one more thing that waits.
  function present(
    token: string,
    claim: Claim,
    uidHash: string | undefined,
    mode: Mode,
    use: Use | undefined,
  ): Promise<Decision> {
    const ticket = recall.begin()
    const { tag, handle, n, b } = claim
    return store.present({ tag, handle, n, b, uidHash }, mode).then((presented) => {
      auditPresented(audit, presented, use)
      switch (presented.verdict) {
        case 'rotated':
        case 'reissued':
          return grant(presented, countersigner.mint(claim, presented.n, presented.b), true)
        case 'current':
          return recall.keep(token, ticket, presented) ?? grant(presented, token)
        case 'accepted':
          return grant(presented, undefined)
        default:
          return refuse(refusalOf(presented))
      }
    })
  }

  function judgeJwt(jwt: string): Decision | Promise<Decision> {
    return recall.find('jwt', jwt, 'verify') ?? presentJwt(jwt)
  }

  async function presentJwt(jwt: string): Promise<Decision> {
    const claim = await jwts.verify(jwt)
    if (typeof claim === 'string') return refuse(claim)
    const ticket = recall.begin()
    const { tag, uidHash } = placeFor(claim.uid)
    const presented = await store.present({ tag, uidHash, handle: claim.handle, n: 0, b: 0 }, 'verify')
    switch (presented.verdict) {
      case 'current':
        if (presented.session.kind !== 'jwt') return refuse('mismatch')
        return (
          recall.keep(jwt, ticket, presented, presented.session.endsAt - claim.expiresAt) ??
          grant(presented, undefined)
        )
      case 'rotated':
      case 'reissued':
      case 'accepted':
        return refuse('mismatch') // only rotating sessions are, and a JWT is none
      default:
        return refuse(refusalOf(presented))
    }
  }

  async function judgePassword(login: string, password: string): Promise<Decision> {
    const judged = await passwords.authenticate(login, password)
    if (!judged.ok) return refuse(judged.code)
    // Spreading what was judged would make an introspection a fifth dearer.
    const { account, passwordMark } = judged
    return { ok: true, session: undefined, account, token: undefined, rotated: false, passwordMark }
  }

  function judge(credential: Credential, mode: Mode, use: Use | undefined): Decision | Promise<Decision> {
    switch (credential.kind) {
      case 'none':
        return refuse('missing')
      case 'conflict':
        return refuse('conflict')
      case 'token':
        return judgeToken(credential, mode, use)
      case 'jwt':
        return judgeJwt(credential.jwt)
      case 'password':
        return judgePassword(credential.login, credential.password)
    }
  }

  function note(decision: Decision, use: Use | undefined): Decision {
    if (!decision.ok) {
      count(decision.refusal.code)
      return decision
    }
    count(decision.rotated ? 'rotated' : 'accepted')
    if (decision.session !== undefined && use !== undefined)
      activity.note(decision.session, use, undefined, decision.lasting)
    return decision
  }

  return {
    authenticate(credential, mode, use) {
      const decision = judge(credential, mode, use)
      return decision instanceof Promise ? decision.then((later) => note(later, use)) : note(decision, use)
    },
  }
}

type Refused = Exclude<Presented, { verdict: 'rotated' | 'reissued' | 'current' | 'accepted' }>

/** Suspending an account ends its sessions: their tombstones say why. */
function refusalOf(presented: Refused): RefusalCode {
  return presented.verdict === 'revoked' && presented.reason === 'suspended' ? 'suspended' : presented.verdict
}

function grant(
  { session, account }: Pick<Grant, 'session' | 'account'>,
  token: string | undefined,
  rotated = false,
): Grant {
  return { ok: true, session, account, token, rotated }
}
