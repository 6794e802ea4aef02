/** Gigadrive's objects as they go over the wire. Every key is always there, nulls included; times are RFC 3339 in UTC. */
import type { Account } from '../account.js'
import type { KnownLocation } from '../location.js'
import type { SessionView } from '../session.js'
import { type Static, Type } from '../typebox.js'

export const failure = (error: string) => ({ error })
export const notFound = failure('The requested resource could not be found.')

const Nullable = Type.Union([Type.String(), Type.Null()])
const NullableNumber = Type.Union([Type.Number(), Type.Null()])

export const IpStackResult = Type.Object({
  id: Type.Integer(),
  ip: Type.String(),
  type: Nullable,
  continentCode: Nullable,
  continentName: Nullable,
  countryCode: Nullable,
  countryName: Nullable,
  regionCode: Nullable,
  regionName: Nullable,
  city: Nullable,
  zipCode: Type.Union([Type.Integer(), Type.Null()], {
    description: 'null where a postal code is no number',
  }),
  postalCode: Nullable,
  latitude: NullableNumber,
  longitude: NullableNumber,
  time: Type.String({ description: 'When the address was located' }),
})

export const Token = Type.Object({
  id: Type.String({
    description: 'The token itself where the caller presented it; else the handle of the session',
  }),
  lastIP: Type.String(),
  userAgent: Type.String(),
  time: Type.String({ description: 'When it was created' }),
  lastAccessTime: Type.String(),
  expiry: Type.String(),
  ipStackResult: Type.Union([IpStackResult, Type.Null()]),
  notifications: Type.Boolean(),
  current: Type.Boolean({ description: 'Whether it is the one that this request presented' }),
  kind: Type.Enum(['rotating', 'fixed', 'jwt']),
})

/** `own` is the session that the request presented, with its token; all others go by their handles. */
export function tokenOf(
  { session, lastSeenAt, ip, userAgent, location, notifications }: SessionView,
  own: { handle: string; token: string } | undefined,
): Static<typeof Token> {
  const current = own !== undefined && own.handle === session.handle
  return {
    id: current ? own.token : session.handle,
    lastIP: ip ?? '',
    userAgent,
    time: atomTime(session.createdAt),
    lastAccessTime: atomTime(lastSeenAt),
    expiry: atomTime(session.expiresAt),
    ipStackResult: location === undefined ? null : ipStackResultOf(location),
    notifications,
    current,
    kind: session.kind,
  }
}

function ipStackResultOf(location: KnownLocation): Static<typeof IpStackResult> {
  const { postalCode } = location
  return {
    id: location.id,
    ip: location.ip,
    type: location.type,
    continentCode: location.continentCode ?? null,
    continentName: location.continentName ?? null,
    countryCode: location.countryCode ?? null,
    countryName: location.countryName ?? null,
    regionCode: location.regionCode ?? null,
    regionName: location.regionName ?? null,
    city: location.city ?? null,
    // Leading zeros and letters have no place in an integer: `01069` and `OX1` stand in postalCode only.
    zipCode: postalCode !== undefined && /^[1-9]\d{0,14}$/.test(postalCode) ? Number(postalCode) : null,
    postalCode: postalCode ?? null,
    latitude: location.latitude ?? null,
    longitude: location.longitude ?? null,
    time: atomTime(location.locatedAt),
  }
}

/** The user behind a token. What the account says of itself comes first and cannot shadow what we say. */
export function userOf({ id, uid, attributes, createdAt }: Account) {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  return {
    ...attributes,
    id,
    uid,
    username: text(attributes.username) ?? uid,
    displayName: text(attributes.displayName) ?? text(attributes.name) ?? uid,
    suspended: false,
    time: atomTime(createdAt),
  }
}

/** RFC 3339 to the second, with a numeric offset: `2020-08-29T12:00:00+00:00`. */
const atomTime = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}+00:00`
