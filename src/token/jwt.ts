/**
 * Personal access tokens: JWTs (RFC 7519) that anybody can verify offline with the JWKS, and that we accept only while
 * their session lives, which the caller asks the store about after this has said yes.
 *
 * We are the only issuer, and accept only what we would have written ourselves, to the letter:
 *
 * - The header is matched, not interpreted: `{"alg":…,"typ":"pat+jwt","kid":…}`. So nothing in a header can choose an
 *   algorithm, bring or fetch a key (`jwk`, `jku`, `x5u`, `x5c`), demand an extension (`crit`) or say a thing twice.
 * - `kid` names the key, and the key has one algorithm (RFC 8725 section 3.1); `alg` must agree with it.
 * - Each part has one base64url spelling, and the payload one JSON spelling (`jwt-claims.ts`).
 *
 * A signature is checked once: what a token proved is kept by the whole of its text. Times are looked at on every use,
 * and a key that has left the ring takes what it proved with it.
 */
import { createSigner, createVerifier } from 'fast-jwt'
import { LRUCache } from 'lru-cache'
import type { RefusalCode } from '../session.js'
import type { DatedClaim, JwtClaim, WireClaims } from './jwt-claims.js'
import { readWireClaims, toWireClaims } from './jwt-claims.js'
import type { KeyRing } from './keyring.js'
import type { SigningKey, VerifyingKey } from './signing-keys.js'

/** `ahead`: issued, or good from, later than now. */
export type JwtRefusal = Extract<RefusalCode, 'malformed' | 'forged' | 'expired' | 'ahead'>

export interface Jwts {
  /**
   * Writes the token of `claim`, signed with the ring's current key.
   *
   * @throws StoreUnavailable as long as no key has been seen
   * @throws RangeError when it would be longer than `LONGEST_JWT`: whoever lets uids and descriptions in must bound them
   */
  sign(claim: JwtClaim): string
  /**
   * Proves a presented token or says why not. Nothing that is presented makes it throw.
   *
   * @throws StoreUnavailable when the token's key is unknown and the ring could not be looked at
   */
  verify(token: string): Promise<JwtClaim | JwtRefusal>
}

interface Parts {
  keys: Pick<KeyRing, 'signingKey' | 'verifyingKey' | 'seekVerifyingKey' | 'now'>
  /** `iss` of all tokens, and the only one that is accepted. */
  issuer: string
}

/** Characters. Checked before anything is decoded; gateways take header lines of 8192 bytes at most. */
export const LONGEST_JWT = 4096
/** Says what kind of JWT this is, so that no other kind is taken for it (RFC 8725 section 3.11). */
const TYP = 'pat+jwt'
const HEADER = /^\{"alg":"([A-Za-z0-9]+)","typ":"pat\+jwt","kid":"([A-Za-z0-9_-]{43})"\}$/
/** How far the clocks of Redis servers that stand in for one another may differ. */
const SKEW_MS = 30_000
const KEPT_CLAIMS = 10_000

/** Signs and proves the JWTs of one issuer with the keys of one ring. */
export function createJwts({ keys, issuer }: Parts): Jwts {
  const proved = new LRUCache<string, { key: VerifyingKey; claim: DatedClaim }>({ max: KEPT_CLAIMS })
  const signerOf = oncePerKey(createSignerOf)
  const verifierOf = oncePerKey(createVerifierOf)

  async function prove(token: string): Promise<DatedClaim | 'malformed' | 'forged'> {
    const kept = proved.get(token)
    if (kept !== undefined && keys.verifyingKey(kept.key.kid) === kept.key) return kept.claim
    const parts = readParts(token)
    if (parts === undefined) return 'malformed'
    const key = keys.verifyingKey(parts.kid) ?? (await keys.seekVerifyingKey(parts.kid))
    if (key === undefined || key.alg !== parts.alg || !verifierOf(key)(token)) return 'forged'
    const claim = readWireClaims(parts.payload, issuer)
    if (typeof claim === 'object') proved.set(token, { key, claim })
    return claim
  }

  return {
    sign(claim) {
      const token = signerOf(keys.signingKey())(toWireClaims(claim, issuer))
      if (token.length > LONGEST_JWT)
        throw new RangeError(`a JWT of ${token.length} characters would never be accepted`)
      return token
    },

    async verify(token) {
      const claim = await prove(token)
      if (typeof claim === 'string') return claim
      const now = keys.now()
      if (claim.expiresAt <= now) return 'expired'
      return claim.notBefore > now + SKEW_MS ? 'ahead' : claim
    },
  }
}

/** Keys are parsed once, not once per token. */
function oncePerKey<Key extends object, Made>(make: (key: Key) => Made): (key: Key) => Made {
  const madeOf = new WeakMap<Key, Made>()
  return (key) => {
    const made = madeOf.get(key) ?? make(key)
    madeOf.set(key, made)
    return made
  }
}

function createSignerOf({ kid, alg, signsWith }: SigningKey): (claims: WireClaims) => string {
  return createSigner<WireClaims>({ key: signsWith, algorithm: alg, header: { alg, typ: TYP, kid } })
}

function createVerifierOf({ alg, verifiesWith }: VerifyingKey): (token: string) => boolean {
  const verify = createVerifier<string>({
    key: verifiesWith,
    algorithms: [alg],
    checkTyp: TYP,
    // It would compare with the clock of this machine, and only once; we have Redis' and look at every use.
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
  return (token) => {
    try {
      verify(token)
      return true
    } catch {
      return false
    }
  }
}

function readParts(token: string): { alg: string; kid: string; payload: string } | undefined {
  if (token.length > LONGEST_JWT) return undefined
  const [header = '', payload = '', signature = '', ...rest] = token.split('.')
  if (rest.length > 0 || signature === '' || respell(signature, 'latin1') !== signature) return undefined
  if (respell(header, 'utf8') !== header || respell(payload, 'utf8') !== payload) return undefined
  const [, alg, kid] = HEADER.exec(decode(header)) ?? []
  if (alg === undefined || kid === undefined) return undefined
  return { alg, kid, payload: decode(payload) }
}

const decode = (part: string) => Buffer.from(part, 'base64url').toString('utf8')

/** The one spelling of what `part` decodes to: no padding, no foreign characters, no stray bits; text in valid UTF-8. */
function respell(part: string, encoding: 'latin1' | 'utf8'): string {
  return Buffer.from(Buffer.from(part, 'base64url').toString(encoding), encoding).toString('base64url')
}
