/**
 * Claims that were proved or signed here lately. What a token proves never changes while the ring is the same, so the hashes are
 * computed once for each: a client's next request brings the token that it was just given, and one that waits for its
 * successor is asked about every few seconds. Only what was good is kept: a flood of forged tokens displaces nothing.
 */
import { createTokenMap } from '../token-map.js'
import type { Claim, Countersigner } from './countersign.js'

/** About 350 bytes each. */
const REMEMBERED = 20_000

/** @returns `countersigner`, which remembers the tokens that it has met */
export function rememberClaims({ begin, mint, verify }: Countersigner): Countersigner {
  const proved = createTokenMap<{ presented: string; claim: Claim }>(REMEMBERED)
  return {
    begin,
    mint(claim, n, b) {
      const token = mint(claim, n, b)
      const { tag, handle, secret } = claim
      proved.add({ presented: token, claim: { tag, handle, secret, n, b } })
      return token
    },
    verify(token) {
      const known = proved.get(token)
      if (known !== undefined) return known.claim
      const claim = verify(token)
      // By itself: as it was read, it is a part of a longer text (a URL, a body), which would stay in memory with it.
      if (typeof claim !== 'string') proved.add({ presented: Buffer.from(token).toString(), claim })
      return claim
    },
  }
}
