/** What a browser says of its push subscription (W3C Push API), read and held to rules before anything is sent there. */
import { ECDH } from 'node:crypto'
import { isIP } from 'node:net'

/** Where to send messages and for whom to encrypt them. The endpoint is a capability, and `auth` a secret. */
export interface PushSubscription {
  /** An https URL, as the URL parser writes it: whoever parses it again reads the same. */
  endpoint: string
  /** The browser's public key: an uncompressed point on P-256, base64url. */
  p256dh: string
  /** 16 bytes, base64url. */
  auth: string
}

/** What the longest of the known push services may use. */
const LONGEST_ENDPOINT = 1024
const POINT_BYTES = 65
const AUTH_BYTES = 16
const BASE64URL = /^[\w-]+={0,2}$/

/**
 * Holds a subscription to what RFC 8030 and RFC 8291 (section 3.1) say of one. Whether its host may be asked is seen by
 * asking the DNS: `reach.ts`.
 *
 * @returns the subscription, or what is wrong: the name of a member and what it has to be
 */
export function readSubscription(given: PushSubscription): PushSubscription | { problem: string } {
  const endpoint = readEndpoint(given.endpoint)
  if (endpoint === undefined)
    return {
      problem: `'endpoint' has to be the https URL of a push service, of at most ${LONGEST_ENDPOINT} characters.`,
    }
  const point = decode(given.p256dh)
  if (point === undefined || !isOnCurve(point))
    return { problem: "'keys.p256dh' has to be an uncompressed point on P-256 in base64url." }
  const auth = decode(given.auth)
  if (auth?.length !== AUTH_BYTES)
    return { problem: `'keys.auth' has to be ${AUTH_BYTES} bytes in base64url.` }
  return { endpoint, p256dh: point.toString('base64url'), auth: auth.toString('base64url') }
}

/** No push service is at a bare address, at another port, or behind a password; internal services may be. */
function readEndpoint(text: string): string | undefined {
  if (text.length > LONGEST_ENDPOINT || !URL.canParse(text)) return undefined
  const { protocol, port, username, password, hostname, href } = new URL(text)
  // The parser has turned 2130706433, 0x7f.1 and their like into the address that they are.
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
  const isFine = protocol === 'https:' && port === '' && username === '' && password === '' && !isAddress
  return isFine && href.length <= LONGEST_ENDPOINT ? href : undefined
}

function decode(text: string): Buffer | undefined {
  return BASE64URL.test(text) ? Buffer.from(text, 'base64url') : undefined
}

function isOnCurve(point: Buffer): boolean {
  if (point.length !== POINT_BYTES) return false
  try {
    ECDH.convertKey(point, 'prime256v1')
    return point[0] === 4
  } catch {
    return false
  }
}
