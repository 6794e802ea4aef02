/** A session as internal services see it, and what they may ask for. */
import type { SessionView } from '../session.js'
import { type Static, Type } from '../typebox.js'
import { Description, Life } from './specter-schemas.js'

const Nullable = Type.Union([Type.String(), Type.Null()])
const Kind = Type.Enum(['rotating', 'fixed', 'jwt'])
const strict = { additionalProperties: false }

export const SessionObject = Type.Object({
  id: Type.String({ description: 'The handle: its public name' }),
  kind: Kind,
  description: Nullable,
  scopes: Type.Array(Type.String()),
  createdAt: Type.String(),
  lastSeenAt: Type.String(),
  expiresAt: Type.String({ description: 'When it ends if it is not used again' }),
  endsAt: Type.String({ description: 'When it ends in any case' }),
  ip: Nullable,
  userAgent: Nullable,
  device: Type.Object(
    { type: Nullable, os: Nullable, browser: Nullable },
    { description: 'The user agent for people; null is what it does not tell' },
  ),
  country: Nullable,
})
export const OpenedObject = Type.Object({
  ...SessionObject.properties,
  token: Type.String({ description: 'Told here, and never again' }),
})

export const Wanted = Type.Object(
  {
    kind: Type.Optional(Kind),
    description: Type.Optional(Description),
    life: Type.Optional(Life),
    scopes: Type.Optional(
      Type.Array(Type.String({ pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,64}$' }), {
        maxItems: 64,
        uniqueItems: true,
      }),
    ),
    create: Type.Optional(
      Type.Object(
        {
          provider: Type.String(),
          email: Type.Optional(Type.String()),
          attributes: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        },
        { ...strict, description: 'Creates the account when there is none' },
      ),
    ),
  },
  strict,
)
export const Uid = Type.Object({ uid: Type.String() })
export const UidAndId = Type.Object({ uid: Type.String(), id: Type.String() })
export const Except = Type.Object({ except: Type.Optional(Type.String()) }, strict)

/** @returns the session as it goes over the wire; times are RFC 3339 */
export function objectOf(view: SessionView): Static<typeof SessionObject> {
  const { session, description, lastSeenAt, ip, userAgent, device, location } = view
  const time = (ms: number) => new Date(ms).toISOString()
  return {
    id: session.handle,
    kind: session.kind,
    description: description || null,
    scopes: [...session.scopes],
    createdAt: time(session.createdAt),
    lastSeenAt: time(lastSeenAt),
    expiresAt: time(session.expiresAt),
    endsAt: time(session.endsAt),
    ip: ip ?? null,
    userAgent: userAgent || null,
    device: { type: device.type ?? null, os: device.os ?? null, browser: device.browser ?? null },
    country: location?.countryCode ?? null,
  }
}
