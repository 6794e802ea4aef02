/** Recalls what was accepted a moment ago: what may be kept of an answer, and who may be told it again. */
import { canonicalName } from '../account.js'
import type { Grant, Mode, RotationPolicy } from '../session.js'
import { accountSignal } from '../store/keys.js'
import type { NearCache } from '../store/near-cache.js'
import type { Ticket } from '../store/near-entry.js'
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
  /**
   * Keeps an acceptance of the newest token, unless it is overruled already; `lessMs` is how much sooner than its session the
   * token ends. @returns the grant that will be given again: what is made of it for the first answer serves all of them
   */
  keep(
    token: string,
    ticket: Ticket,
    accepted: Presented & { verdict: 'current' },
    lessMs?: number,
  ): Grant | undefined
}

/** A rotating session's token may be superseded elsewhere meanwhile: for so long that makes no difference. */
const ROTATING_MS = 5_000

const isSame = (uid: string, other: string): boolean =>
  uid === other || canonicalName(uid) === canonicalName(other)

/** Puts the rules of rotation to a near-cache that knows none. */
export function createRecall(
  nearCache: Pick<NearCache, 'get' | 'begin' | 'keep'>,
  rotation: RotationPolicy,
): Recall {
  return {
    find(form, token, mode, claimed) {
      const known = nearCache.get(token, mode)
      if (known === undefined) return undefined
      // A JWT where a countersigned token belongs is none, however good it is where it belongs; and the reverse.
      if ((known.token === undefined) !== (form === 'jwt')) return undefined
      if (claimed?.handle !== undefined && claimed.handle !== known.session.handle) return undefined
      if (claimed?.uid !== undefined && !isSame(claimed.uid, known.session.uid)) return undefined
      return known
    },

    begin: () => nearCache.begin(),

    keep(presented, ticket, { session, account, ageMs, remainingMs }, lessMs = 0) {
      // By itself; as it was read, it is a part of a longer text, which is one more place to look at.
      const token = Buffer.from(presented).toString()
      const rotates = session.kind === 'rotating'
      // Within the leeway even a token that was superseded since is good: longer than that, Redis must be asked. It must be
      // asked in time, too, for the end of a session that is used to move on.
      const goodMs = rotates
        ? Math.min(ROTATING_MS, rotation.leewayMs, remainingMs / 2)
        : remainingMs - lessMs
      const notDueMs = rotates ? rotation.rotateAfterMs - ageMs : Number.POSITIVE_INFINITY
      return nearCache.keep(token, ticket, {
        ok: true,
        session,
        account,
        token: session.kind === 'jwt' ? undefined : token,
        rotated: false,
        signal: accountSignal(account.uid),
        goodUntil: ticket.startedAt + goodMs,
        notDueUntil: ticket.startedAt + notDueMs,
      })
    },
  }
}
