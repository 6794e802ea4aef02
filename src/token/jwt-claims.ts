/** What a JWT says, on this side and on the wire: the claims of the Specter dialect, and the registered ones beside them. */
import { handleOfUuid, uuidOfHandle } from '../session.js'
import { Compile, type Static, Type } from '../typebox.js'

/** Times are ms since the epoch; on the wire they are whole seconds, rounded down. */
export interface JwtClaim {
  readonly uid: string
  readonly handle: string
  readonly description: string
  readonly issuedAt: number
  readonly expiresAt: number
}

/** A claim as read: `notBefore` is when it begins to be good, the later of `iat` and `nbf`. */
export interface DatedClaim extends JwtClaim {
  readonly notBefore: number
}

const seconds = Type.Integer({ minimum: 0 })

/** The order is that of the tokens we write. Unknown claims are ignored (RFC 7519 section 4). */
const WireClaims = Type.Object({
  username: Type.String({ minLength: 1 }),
  jwt_token_id: Type.String(),
  jwt_token_description: Type.String(),
  exp: seconds,
  iat: seconds,
  nbf: Type.Optional(seconds),
  iss: Type.String(),
  sub: Type.String(),
  jti: Type.String(),
})
export type WireClaims = Static<typeof WireClaims>
const form = Compile(WireClaims)

/** @returns the claim as it is signed, in the order in which all our tokens have it */
export function toWireClaims(claim: JwtClaim, issuer: string): WireClaims {
  const id = uuidOfHandle(claim.handle)
  return {
    username: claim.uid,
    jwt_token_id: id,
    jwt_token_description: claim.description,
    exp: Math.floor(claim.expiresAt / 1000),
    iat: Math.floor(claim.issuedAt / 1000),
    iss: issuer,
    sub: claim.uid,
    jti: id,
  }
}

/**
 * Reads the payload of a token whose signature is proved.
 *
 * @param payload JSON text, which must be the very text that its value is written as: no member twice, so that no two
 * readers can see different claims in one token
 * @returns `malformed` for what we would not have written, `forged` when it was not written by, or not for, us
 */
export function readWireClaims(payload: string, issuer: string): DatedClaim | 'malformed' | 'forged' {
  const claims: unknown = JSON.parse(payload)
  if (JSON.stringify(claims) !== payload || !form.Check(claims)) return 'malformed'
  const { sub, username, jti, jwt_token_id: id, jwt_token_description: description } = claims
  const handle = handleOfUuid(jti)
  if (sub !== username || jti !== id || handle === undefined || uuidOfHandle(handle) !== jti)
    return 'malformed'
  // Our tokens have no audience; one that has is meant for somebody else (RFC 7519 section 4.1.3).
  if (claims.iss !== issuer || 'aud' in claims) return 'forged'
  const issuedAt = claims.iat * 1000
  const notBefore = Math.max(issuedAt, (claims.nbf ?? 0) * 1000)
  return { uid: sub, handle, description, issuedAt, expiresAt: claims.exp * 1000, notBefore }
}
