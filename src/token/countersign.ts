/**
 * Countersigned tokens: a session's secret and a generation, signed by a master key that never enters Redis.
 *
 *     cst_ + base64url( key id:1 ‖ tag:2 ‖ secret:16 ‖ n:5 ‖ b:1 ‖ mac:16 )     41 bytes, 55 characters
 *     mac    = HMAC-SHA256(master key[key id], "cst1" ‖ all bytes before it), first 16 bytes
 *     handle = base64url(SHA-256("handle" ‖ secret)[0..16))
 *
 * So a forged, mistyped or foreign token is refused here, without asking Redis; and neither a dump of Redis nor the
 * master key alone opens anything, because the secret itself is stored nowhere.
 *
 * Verification is on the path of every request, and runs without allocating: HMAC as two one-shot hashes over scratch
 * buffers (`createHmac` makes a native object per call, which costs more in garbage collection than the hashing does).
 * Sharing the scratch is safe because nothing here is asynchronous.
 */
import { hash, randomFillSync, timingSafeEqual } from 'node:crypto'
import type { MasterKeys } from './master-keys.js'

/** Base64url itself, of three bytes: so a token is read and written in one piece. */
const PREFIX = Buffer.from('cst_', 'base64url')
/** One spelling only: 328 bits leave two bits of the last character unused, which must be zero. */
const FORM = /^cst_[A-Za-z0-9_-]{54}[AEIMQUYcgkosw048]$/

/** Where a token's parts begin, in bytes, behind the prefix. */
const KEY_ID_AT = PREFIX.length
const TAG_AT = 4
const SECRET_AT = 6
const N_AT = 22
const B_AT = 27
const MAC_AT = 28
const TOKEN_BYTES = 44
const SIGNED_BYTES = MAC_AT - KEY_ID_AT
const MAC_BYTES = TOKEN_BYTES - MAC_AT

const SHA256_BYTES = 32
const HMAC_BLOCK_BYTES = 64
const CONTEXT = 'cst1'

/** What a token proves by its signature alone: this service issued exactly that. Never leaves the token and session layers. */
export interface Claim {
  tag: string
  handle: string
  /** The session's secret as 16 Latin-1 characters: a string costs no buffer. */
  secret: string
  /** Generation; 0 for tokens that do not rotate. */
  n: number
  /** Branch: which hand-out of that generation. */
  b: number
}

export interface Countersigner {
  /** A new session's claim: fresh secret, generation `n`, branch 0. */
  begin(tag: string, n: number): Claim
  /** The token of `claim`'s session at generation `n`, branch `b`, signed with the current key. */
  mint(claim: Omit<Claim, 'n' | 'b'>, n: number, b: number): string
  /** Proves a presented token; nothing of it is trusted before its MAC is. */
  verify(token: string): Claim | 'malformed' | 'forged'
}

/** RFC 2104 with the key's two pads laid out once; `message` bytes are written behind the inner pad before each use. */
interface HmacPads {
  inner: Buffer
  outer: Buffer
}

function layOutPads(key: Buffer): HmacPads {
  const inner = Buffer.alloc(HMAC_BLOCK_BYTES + CONTEXT.length + SIGNED_BYTES, 0x36)
  const outer = Buffer.alloc(HMAC_BLOCK_BYTES + SHA256_BYTES, 0x5c)
  for (const [i, byte] of key.entries()) {
    inner[i] = byte ^ 0x36
    outer[i] = byte ^ 0x5c
  }
  inner.write(CONTEXT, HMAC_BLOCK_BYTES, 'latin1')
  return { inner, outer }
}

/** Makes the signer and verifier of one key ring. */
export function createCountersigner(ring: MasterKeys): Countersigner {
  const padsById = new Map([...ring.byId].map(([id, key]) => [id, layOutPads(key)]))
  const currentPads = padsById.get(ring.currentId)
  if (currentPads === undefined) throw new Error(`the key ring has no key ${ring.currentId}`)

  const scratch = Buffer.alloc(TOKEN_BYTES)
  PREFIX.copy(scratch)
  const expectedMac = Buffer.alloc(SHA256_BYTES)
  const presentedMac = scratch.subarray(MAC_AT)
  const truncatedMac = expectedMac.subarray(0, MAC_BYTES)
  const handleInput = Buffer.alloc(6 + 16)
  handleInput.write('handle', 'latin1')
  const handleDigest = Buffer.alloc(SHA256_BYTES)

  /** Writes the MAC of the token in `scratch` to `expectedMac`. */
  function computeMac(pads: HmacPads): void {
    scratch.copy(pads.inner, HMAC_BLOCK_BYTES + CONTEXT.length, KEY_ID_AT, MAC_AT)
    pads.outer.write(hash('sha256', pads.inner, 'binary'), HMAC_BLOCK_BYTES, 'latin1')
    expectedMac.write(hash('sha256', pads.outer, 'binary'), 'latin1')
  }

  function handleOf(secret: string): string {
    handleInput.write(secret, 6, 'latin1')
    handleDigest.write(hash('sha256', handleInput, 'binary'), 'latin1')
    return handleDigest.toString('base64url', 0, 16)
  }

  return {
    begin(tag, n) {
      const secret = randomFillSync(Buffer.allocUnsafe(16)).toString('latin1')
      return { tag, handle: handleOf(secret), secret, n, b: 0 }
    },

    mint({ tag, secret }, n, b) {
      scratch[KEY_ID_AT] = ring.currentId
      scratch.write(tag, TAG_AT, SECRET_AT - TAG_AT, 'base64url')
      scratch.write(secret, SECRET_AT, 'latin1')
      scratch.writeUIntBE(n, N_AT, 5)
      scratch[B_AT] = b
      computeMac(currentPads)
      truncatedMac.copy(scratch, MAC_AT)
      return scratch.toString('base64url')
    },

    verify(token) {
      if (!FORM.test(token)) return 'malformed'
      scratch.write(token, 'base64url')
      const pads = padsById.get(scratch.readUInt8(KEY_ID_AT))
      if (pads === undefined) return 'forged'
      computeMac(pads)
      if (!timingSafeEqual(presentedMac, truncatedMac)) return 'forged'
      const secret = scratch.toString('latin1', SECRET_AT, N_AT)
      return {
        tag: scratch.toString('base64url', TAG_AT, SECRET_AT),
        handle: handleOf(secret),
        secret,
        n: scratch.readUIntBE(N_AT, 5),
        b: scratch.readUInt8(B_AT),
      }
    },
  }
}
