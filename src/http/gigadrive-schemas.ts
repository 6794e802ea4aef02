/** The Gigadrive dialect as it is described. */
import type { FastifySchema } from 'fastify'
import Type from 'typebox'
import { Token } from './gigadrive-wire.js'

export const Login = Type.Object(
  {
    uid: Type.Optional(Type.String()),
    email: Type.Optional(Type.String()),
    username: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
  },
  { description: 'A login name with `password`, where Basic is not used' },
)

const Id = Type.String({ description: 'A token, or the `id` that a listing shows' })
const User = Type.Object(
  {
    id: Type.Integer(),
    uid: Type.String(),
    username: Type.String(),
    displayName: Type.String(),
    suspended: Type.Boolean(),
    time: Type.String({ description: 'When the account was created' }),
  },
  { description: 'With the attributes of the account', additionalProperties: true },
)
const tags = ['Gigadrive']
const consumes = ['application/json', 'application/x-www-form-urlencoded']

export const listSchema: FastifySchema = {
  tags,
  summary: "The account's live tokens, most recently used first",
  response: { 200: { ...Type.Array(Token), description: 'Tokens' } },
}
export const deleteSchema: FastifySchema = {
  tags,
  consumes,
  summary: 'End a token of the account',
  description: 'The `id` may also stand in the query.',
  body: Type.Object({ id: Id }),
  response: { 204: { ...Type.Null(), description: 'It is refused from now on' } },
}
export const updateSchema: FastifySchema = {
  tags,
  summary: 'Note whether push messages are wanted',
  body: Type.Object({ id: Id, notifications: Type.Boolean() }),
  response: { 200: { ...Token, description: 'The token as it is now' } },
}
export const verifySchema: FastifySchema = {
  tags,
  summary: 'Verify the token',
  response: {
    200: {
      ...Type.Object({ status: Type.Literal('Token valid'), user: User }),
      description: 'The token is good; its user',
    },
  },
}
export const createSchema: FastifySchema = {
  tags,
  consumes,
  summary: 'Open a token that does not rotate',
  body: Login,
  response: { 201: { ...Token, description: 'The token; its `id` is the secret, told here only' } },
}
