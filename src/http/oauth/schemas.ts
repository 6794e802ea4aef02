/** The OAuth endpoints as they are described. */
import type { FastifySchema } from 'fastify'
import Type from 'typebox'

export const OAuthFailure = Type.Object(
  { error: Type.String(), error_description: Type.String() },
  { title: 'OAuthFailure', description: 'RFC 6749 section 5.2' },
)

const form = (properties: Parameters<typeof Type.Object>[0]) => ({
  content: { 'application/x-www-form-urlencoded': { schema: Type.Object(properties) } },
})
const Seconds = Type.Integer({ description: 'Seconds since the epoch' })
const tags = ['standards']

export const introspectionSchema: FastifySchema = {
  tags,
  summary: 'Introspect a token (RFC 7662)',
  description: 'For accounts with the role `service` or `admin`; to others, every token is inactive.',
  body: form({ token: Type.String(), token_type_hint: Type.Optional(Type.String()) }),
  response: {
    200: {
      ...Type.Object({
        active: Type.Boolean(),
        sub: Type.Optional(Type.String()),
        username: Type.Optional(Type.String()),
        sid: Type.Optional(Type.String({ description: 'The handle of the session' })),
        token_type: Type.Optional(Type.String()),
        scope: Type.Optional(Type.String()),
        iat: Type.Optional(Seconds),
        exp: Type.Optional(Seconds),
        iss: Type.Optional(Type.String()),
        kind: Type.Optional(Type.Enum(['rotating', 'fixed', 'jwt'])),
        roles: Type.Optional(Type.Array(Type.String())),
      }),
      description: 'Only `active` when it is not',
    },
  },
}
export const revocationSchema: FastifySchema = {
  tags,
  summary: 'Revoke a token (RFC 7009)',
  description:
    'Ends its session. Accounts without the role `service` or `admin` revoke their own tokens only.',
  body: form({ token: Type.String(), token_type_hint: Type.Optional(Type.String()) }),
  response: { 200: { ...Type.Object({}), description: 'It is not good any more, if it ever was' } },
}
export const metadataSchema: FastifySchema = {
  tags,
  summary: 'What this server can do (RFC 8414)',
  response: {
    200: {
      ...Type.Object({ issuer: Type.String(), jwks_uri: Type.String() }, { additionalProperties: true }),
      description: 'Metadata',
    },
  },
}
