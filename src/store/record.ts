/**
 * Session ⇄ Redis: what the scripts reply, and the bytes that say where a session was used. The record's own layout is
 * written once, in `lua/record.lua`.
 */
import { hash } from 'node:crypto'
import { isIP, SocketAddress } from 'node:net'
import type { Account } from '../account.js'
import type { Kind, LastUse, LifePolicy, Session, Use } from '../session.js'

/** A session as the scripts reply it; `Text` is string or Buffer, by the form of the command. Times are ms. */
export type Facts<Text> = [
  handle: Text,
  kind: Text,
  createdAt: number,
  expiresAt: number,
  endsAt: number,
  scopes: Text,
]

export interface NewRecord {
  tag: string
  handle: string
  uid: string
  kind: Kind
  scopes: readonly string[]
  /** No two live JWTs of an account share one. */
  description?: string | undefined
  use?: Use | undefined
  life: LifePolicy
}

export type OpenedRecord =
  | { verdict: 'opened'; session: Session; account: Account; evicted: string[] }
  | { verdict: 'unknown' | 'suspended' | 'revoked' | 'description-taken' }

/** A session that was ended, as it last was. */
export interface Ended {
  session: Session
  account: Account
  lastUse: LastUse
}

export interface UseNote {
  tag: string
  handle: string
  use: Use
  /** ms since the epoch by this machine's clock; now when absent. */
  atMs?: number | undefined
}

/** One presentation's reply of `lua/present.lua`. */
export type PresentReply =
  | [verdict: 'unknown' | 'mismatch' | 'expired' | 'suspended']
  | [verdict: 'revoked', reason: string]
  | [verdict: 'fault', error: string]
  /** An acceptance: words in one line, then the account's document. */
  | string
  | [
      verdict: 'fork' | 'replay' | 'reissue-limit' | 'ahead',
      event: '' | 'repaired' | 'fast-forwarded',
      doc: string,
      facts: Facts<string>,
      lastUse: number[],
    ]

/** What an acceptance says; times are ms. */
export interface Acceptance extends Omit<Session, 'handle' | 'tag' | 'uid'> {
  verdict: 'rotated' | 'reissued' | 'current' | 'accepted'
  n: number
  b: number
  event: '' | 'repaired' | 'fast-forwarded'
  ageMs: number
  remainingMs: number
  doc: string
}

const USER_AGENT_HASH_BYTES = 6
const SEEN_AT_BYTES = 6
const NO_USER_AGENT = Buffer.alloc(USER_AGENT_HASH_BYTES)
/** RFC 4291, section 2.5.5.2. */
const IPV4_MAPPED = Buffer.from('00000000000000000000ffff', 'hex')

/** Reads the facts of a session of `account`; the uid is the account's, stored once, there. */
export function toSession(facts: Facts<string | Buffer>, tag: string, account: Account): Session {
  const [handle, kind, createdAt, expiresAt, endsAt, scopes] = facts
  const words = scopes.toString()
  return {
    handle: handle.toString(),
    tag,
    uid: account.uid,
    kind: kind.toString() as Kind, // the script's own words
    createdAt,
    expiresAt,
    endsAt,
    scopes: words === '' ? [] : words.split(' '),
  }
}

/** Reads an acceptance of `lua/present.lua`. */
export function parseAcceptance(text: string): Acceptance {
  const end = text.indexOf('\n')
  const [verdict, n, b, event, ageMs, remainingMs, kind, createdAt, expiresAt, endsAt, ...scopes] = text
    .slice(0, end)
    .split(' ')
  return {
    verdict: verdict as Acceptance['verdict'], // the script's own words, as the next two
    n: Number(n),
    b: Number(b),
    event: event as Acceptance['event'],
    ageMs: Number(ageMs),
    remainingMs: Number(remainingMs),
    kind: kind as Kind,
    createdAt: Number(createdAt),
    expiresAt: Number(expiresAt),
    endsAt: Number(endsAt),
    scopes: scopes[0] === '' ? [] : scopes,
    doc: text.slice(end + 1),
  }
}

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
