/**
 * Of each session, the token that was proved or signed here last. What a token proves never changes while the ring is the same, so the
 * hashes are computed once for it: a client's next request brings the token that it was just given, and one that waits for its
 * successor is asked about every few seconds. Only what was good is kept: a flood of forged tokens displaces nothing.
 *
 * One for each session, in place: were all of them kept, those of a session that rotates again and again would fill the old objects,
 * and to move them there was a twentieth of what a rotation cost.
 */
import { makeRoom } from '../make-room.js'
import { createNumbering } from '../token-map.js'
import type { Claim, Countersigner } from './countersign.js'

/** Sessions, about 350 bytes each. */
const REMEMBERED = 20_000
/** Characters before this one tell a session from others: they are its secret's, in every token of it. */
const SECRET_END = 16

interface Proved {
  presented: string
  /** Of its MAC. Found by the secret, a token of the same session would else be compared with one that its holder may not know. */
  number: number
  claim: Claim
}

/** @returns `countersigner`, which remembers the tokens that it has met */
export function rememberClaims({ begin, mint, verify }: Countersigner): Countersigner {
  const bySession = new Map<number, Proved>()
  const numberAt = createNumbering()

  function remember(presented: string, claim: Claim): void {
    const session = numberAt(presented, SECRET_END)
    const number = numberAt(presented, presented.length)
    const known = bySession.get(session)
    if (known === undefined) {
      bySession.set(session, { presented, number, claim })
      makeRoom(bySession, REMEMBERED)
      return
    }
    known.presented = presented
    known.number = number
    known.claim = claim
  }

  return {
    begin,
    mint(claim, n, b) {
      const token = mint(claim, n, b)
      const { tag, handle, secret } = claim
      remember(token, { tag, handle, secret, n, b })
      return token
    },
    verify(token) {
      const known = bySession.get(numberAt(token, SECRET_END))
      if (known !== undefined && known.number === numberAt(token, token.length) && known.presented === token)
        return known.claim
      const claim = verify(token)
      // By itself: as it was read, it is a part of a longer text (a URL, a body), which would stay in memory with it.
      if (typeof claim !== 'string') remember(Buffer.from(token).toString(), claim)
      return claim
    },
  }
}
