/**
 * The bytes that say where and with what a session was used: a time, the user agent's hash, the address. The script that opens
 * a session, and the one that notes a use, put them down as they come.
 */
import { hash } from 'node:crypto'
import { isIP, SocketAddress } from 'node:net'
import type { LastUse, Use } from '../session.js'

const USER_AGENT_HASH_BYTES = 6
const SEEN_AT_BYTES = 6
const NO_USER_AGENT = Buffer.alloc(USER_AGENT_HASH_BYTES)
/** RFC 4291, section 2.5.5.2. */
const IPV4_MAPPED = Buffer.from('00000000000000000000ffff', 'hex')

/** The name under which a user agent is stored once and shared: 48 bits of SHA-256, 8 characters of base64url. */
export function userAgentHash(userAgent: string): string {
  return userAgentDigest(userAgent).toString('base64url')
}

function userAgentDigest(userAgent: string): Buffer {
  return Buffer.from(hash('sha256', userAgent, 'hex').slice(0, 2 * USER_AGENT_HASH_BYTES), 'hex')
}

/** Packs a use without its time: user agent hash (zeros for none), then 4 or 16 bytes of address, none when unknown. */
export function packUse(use: Use | undefined): Buffer {
  if (use === undefined) return NO_USER_AGENT
  const agent = use.userAgent === '' ? NO_USER_AGENT : userAgentDigest(use.userAgent)
  return Buffer.concat([agent, packAddress(use.ip)])
}

/** Reads what a record says of its last use: the time, then what `packUse` wrote. */
export function parseUse(bytes: Uint8Array): LastUse {
  const use = Buffer.from(bytes)
  const agent = use.subarray(SEEN_AT_BYTES, SEEN_AT_BYTES + USER_AGENT_HASH_BYTES)
  return {
    seenAt: use.readUIntBE(0, SEEN_AT_BYTES),
    ip: formatAddress(use.subarray(SEEN_AT_BYTES + USER_AGENT_HASH_BYTES)),
    userAgentHash: agent.equals(NO_USER_AGENT) ? undefined : agent.toString('base64url'),
  }
}

/** IPv4 mapped into IPv6 is IPv4; what is no address is nothing. */
function packAddress(ip: string): Buffer {
  if (isIP(ip) === 4) return Buffer.from(ip.split('.').map(Number))
  if (isIP(ip) !== 6) return Buffer.alloc(0)
  // The URL parser knows all spellings of an address and has one, of hexadecimal groups (WHATWG URL, 3.5 and 3.6).
  const canonical = new URL(`http://[${ip.replace(/%.*/, '')}]`).hostname.slice(1, -1)
  const [head = '', tail = ''] = canonical.split('::').map(toHex)
  const bytes = Buffer.from(head + tail.padStart(32 - head.length, '0'), 'hex')
  return bytes.subarray(0, 12).equals(IPV4_MAPPED) ? bytes.subarray(12) : bytes
}

function toHex(groups: string): string {
  return groups === ''
    ? ''
    : groups
        .split(':')
        .map((group) => group.padStart(4, '0'))
        .join('')
}

function formatAddress(bytes: Buffer): string | undefined {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) return undefined
  const address = bytes.toString('hex').replace(/(.{4})(?!$)/g, '$1:')
  return new SocketAddress({ address, family: 'ipv6' }).address
}
