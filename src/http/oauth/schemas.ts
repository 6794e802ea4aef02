/** The OAuth endpoints as they are described. */
import type { FastifySchema } from 'fastify'
import { Type } from '../../typebox.js'
import { Introspected } from './introspected.js'

export const OAuthFailure = Type.Object(
  { error: Type.String(), error_description: Type.String() },
  { title: 'OAuthFailure', description: 'RFC 6749 section 5.2' },
)
export const Metadata = Type.Object({
  issuer: Type.String(),
  jwks_uri: Type.String(),
  introspection_endpoint: Type.String(),
  introspection_endpoint_auth_methods_supported: Type.Array(Type.String()),
  revocation_endpoint: Type.String(),
  revocation_endpoint_auth_methods_supported: Type.Array(Type.String()),
  response_types_supported: Type.Array(Type.String()),
  grant_types_supported: Type.Array(Type.String()),
  service_documentation: Type.String(),
})

const tags = ['standards']
const body = {
  content: {
    'application/x-www-form-urlencoded': {
      schema: Type.Object({
        token: Type.String(),
        token_type_hint: Type.Optional(Type.String({ description: 'Makes no difference' })),
        client_id: Type.Optional(Type.String({ description: 'The login name of an account' })),
        client_secret: Type.Optional(Type.String({ description: 'Its password' })),
      }),
    },
  },
}

export const introspectionSchema: FastifySchema = {
  tags,
  summary: 'Introspect a token (RFC 7662)',
  description: 'For accounts with the role `service` or `admin`; to others, every token is inactive.',
  body,
  response: { 200: { ...Introspected, description: 'Only `active` when it is not' } },
}
export const revocationSchema: FastifySchema = {
  tags,
  summary: 'Revoke a token (RFC 7009)',
  description:
    'Ends its session. Accounts without the role `service` or `admin` revoke their own tokens only.',
  body,
  response: { 200: { ...Type.Object({}), description: 'It is not good any more, if it ever was' } },
}
export const metadataSchema: FastifySchema = {
  tags,
  summary: 'What this server can do (RFC 8414)',
  response: { 200: { ...Metadata, description: 'Metadata' } },
}
