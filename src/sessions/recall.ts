/** Recalls what was accepted a moment ago: what may be kept of an answer, and who may be told it again. */
import { canonicalName } from '../account.js'
import type { Grant, Mode, RotationPolicy } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { NearCache, Ticket } from '../store/near-cache.js'
import type { Presented } from '../store/sessions.js'

export interface Recall {
  /** The grant of a token that was accepted lately; undefined: it must be judged. `claimed` is what stands beside it. */
  find(
    form: 'token' | 'jwt',
    token: string,
    mode: Mode,
    claimed?: { handle?: string | undefined; uid?: string | undefined },
  ): Grant | undefined
  /** Call it before the judgement. */
  begin(): Ticket
  /** Keeps an acceptance of the newest token; `lessMs` is how much sooner than its session the token ends. */
  keep(token: string, ticket: Ticket, accepted: Presented & { verdict: 'current' }, lessMs?: number): void
}

/** A rotating session's token may be superseded elsewhere meanwhile: for so long that makes no difference. */
const ROTATING_MS = 5_000

const isSame = (uid: string, other: string): boolean =>
  uid === other || canonicalName(uid) === canonicalName(other)

/** Puts the rules of rotation to a near-cache that knows none. */
export function createRecall(nearCache: NearCache, rotation: RotationPolicy): Recall {
  return {
    find(form, token, mode, claimed) {
      const grant = nearCache.get(token, mode)?.grant
      if (grant === undefined) return undefined
      const { session } = grant
      // A JWT where a countersigned token belongs is none, however good it is where it belongs; and the reverse.
      if ((session.kind === 'jwt') !== (form === 'jwt')) return undefined
      if (claimed?.handle !== undefined && claimed.handle !== session.handle) return undefined
      if (claimed?.uid !== undefined && !isSame(claimed.uid, session.uid)) return undefined
      return grant
    },

    begin: () => nearCache.begin(),

    keep(token, ticket, { session, account, ageMs, remainingMs }, lessMs = 0) {
      const rotates = session.kind === 'rotating'
      // Within the leeway even a token that was superseded since is good: longer than that, Redis must be asked.
      const goodMs = rotates ? Math.min(ROTATING_MS, rotation.leewayMs, remainingMs) : remainingMs - lessMs
      const notDueMs = rotates ? rotation.rotateAfterMs - ageMs : Number.POSITIVE_INFINITY
      nearCache.keep(token, ticket, {
        grant: {
          ok: true,
          session,
          account,
          token: session.kind === 'jwt' ? undefined : { value: token, fresh: false },
        },
        signal: `@${placeOf(account.uid).uidHash}`,
        goodUntil: ticket.startedAt + goodMs,
        notDueUntil: ticket.startedAt + notDueMs,
      })
    },
  }
}
