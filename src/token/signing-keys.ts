/** Keys that sign JWTs: how they are made, named and published. A key has one algorithm for life (RFC 8725 section 3.1). */
import type { JsonWebKey } from 'node:crypto'
import { createPrivateKey, createPublicKey, generateKeyPair, hash, hkdfSync } from 'node:crypto'
import { promisify } from 'node:util'

export const jwtAlgorithms = ['EdDSA', 'ES256', 'RS256', 'HS256'] as const
export type JwtAlgorithm = (typeof jwtAlgorithms)[number]
/** Algorithms whose keys are pairs: everybody may verify, only we can sign. */
export type PairAlgorithm = Exclude<JwtAlgorithm, 'HS256'>

/** What verifies a signature. One object per `kid` for as long as the key is good. */
export interface VerifyingKey {
  kid: string
  alg: JwtAlgorithm
  /** SPKI in PEM, or the secret of HS256. */
  verifiesWith: string | Buffer
  /** The public members only (RFC 7517); undefined for a secret. */
  publicJwk: JsonWebKey | undefined
}

export interface SigningKey {
  kid: string
  alg: JwtAlgorithm
  /** PKCS 8 in PEM, or the secret of HS256. */
  signsWith: string | Buffer
}

const newKeyPair = promisify(generateKeyPair)

/** Makes a key pair for `alg`. @returns the private key as a JWK, which has the public one in it */
export async function generateSigningJwk(alg: PairAlgorithm): Promise<JsonWebKey> {
  const { privateKey } = await {
    EdDSA: () => newKeyPair('ed25519'),
    ES256: () => newKeyPair('ec', { namedCurve: 'P-256' }),
    RS256: () => newKeyPair('rsa', { modulusLength: 2048 }),
  }[alg]()
  return privateKey.export({ format: 'jwk' })
}

/** @returns `jwk` without its private members */
export function publicPartOf(jwk: JsonWebKey): JsonWebKey {
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'jwk' })
}

/** Names a key by what it is: the JWK thumbprint with SHA-256 (RFC 7638 section 3; RFC 8037 section 2 for OKP). */
export function kidOf(jwk: JsonWebKey): string {
  const { crv, e, kty, n, x, y } = jwk
  const required = { EC: { crv, kty, x, y }, OKP: { crv, kty, x }, RSA: { e, kty, n } }[kty ?? '']
  if (required === undefined) throw new Error(`no thumbprint for keys of type ${kty}`)
  return hash('sha256', JSON.stringify(required), 'base64url')
}

/** @param jwk private or public */
export function verifyingKeyOf(alg: PairAlgorithm, jwk: JsonWebKey): VerifyingKey {
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  const kid = kidOf(jwk)
  return {
    kid,
    alg,
    verifiesWith: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    publicJwk: { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg, kid },
  }
}

/** @param jwk private */
export function signingKeyOf(alg: PairAlgorithm, jwk: JsonWebKey): SigningKey {
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
  return { kid: kidOf(jwk), alg, signsWith: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() }
}

/** Names a secret without telling anything about it that a token signed with it does not tell. */
export function keyOfSecret(secret: Buffer): VerifyingKey & SigningKey {
  const kid = Buffer.from(hkdfSync('sha256', secret, '', 'countersign jwt kid', 32)).toString('base64url')
  return { kid, alg: 'HS256', signsWith: secret, verifiesWith: secret, publicJwk: undefined }
}

const SHORTEST_SECRET_BYTES = 32
const FEWEST_DISTINCT_BYTES = 8
/** fast-jwt would sign with a public key as if it were a secret: the oldest of all confusions (RFC 8725 section 2.1). */
const KEY_MATERIAL = /-----BEGIN |"kty"\s*:/

/**
 * Reads the secret for HS256 (RFC 7518 section 3.2 wants 256 bits).
 *
 * @throws Error saying what is wrong with it, never what it is
 */
export function parseJwtSecret(text: string): Buffer {
  const secret = Buffer.from(text, 'utf8')
  if (secret.length < SHORTEST_SECRET_BYTES)
    throw new Error(`the JWT secret must be at least ${SHORTEST_SECRET_BYTES} bytes, not ${secret.length}`)
  if (new Set(secret).size < FEWEST_DISTINCT_BYTES)
    throw new Error('the JWT secret is not random: generate it with a CSPRNG')
  if (KEY_MATERIAL.test(text))
    throw new Error('the JWT secret must be a random text, not a key or a certificate')
  return secret
}
