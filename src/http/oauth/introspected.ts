/** What is said of a token that somebody asks about (RFC 7662 section 2.2). */
import { Type } from '../../typebox.js'

const Seconds = Type.Integer({ description: 'Seconds since the epoch' })

export const Introspected = Type.Union([
  Type.Object({
    active: Type.Literal(true),
    sub: Type.String({ description: 'The uid of its account' }),
    username: Type.String(),
    sid: Type.String({ description: 'The handle of its session' }),
    token_type: Type.Literal('Bearer'),
    scope: Type.Optional(Type.String()),
    iat: Seconds,
    exp: Seconds,
    iss: Type.String(),
    kind: Type.Enum(['rotating', 'fixed', 'jwt']),
    roles: Type.Array(Type.String()),
  }),
  // Whatever the reason: it would tell more than its asker may know.
  Type.Object({ active: Type.Literal(false) }, { additionalProperties: false }),
])
