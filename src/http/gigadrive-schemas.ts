/** The Gigadrive dialect as it is described. */
import type { FastifySchema } from 'fastify'
import { Type } from '../typebox.js'
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
  summary: 'End the push subscription of a token of the account',
  description: '`false` ends it; `true` is refused (409) unless there is one: see `/token/push`.',
  body: Type.Object({ id: Id, notifications: Type.Boolean() }),
  response: { 200: { ...Token, description: 'The token as it is now' } },
}
export const pushKeySchema: FastifySchema = {
  tags,
  summary: 'The key that a browser subscribes with',
  description:
    "Pass it to `PushManager.subscribe` as `applicationServerKey`. It is the service's VAPID key (RFC 8292).",
  response: {
    200: {
      ...Type.Object({ applicationServerKey: Type.String({ description: 'base64url' }) }),
      description: 'The same for all tokens, for ever',
    },
  },
}
export const subscribeSchema: FastifySchema = {
  tags,
  consumes: ['application/json'],
  summary: "Tie the browser's push subscription to the token",
  description:
    'Its owner is told there when the account is used in a new country, or when a session is opened on a new device: ' +
    '`{"events": ["session.new_location", "session.new_device"], "at", "country", "device", "session"}`.',
  body: Type.Object(
    {
      endpoint: Type.String({ format: 'uri', description: 'https, in the public network' }),
      keys: Type.Object({
        p256dh: Type.String({ description: 'base64url' }),
        auth: Type.String({ description: 'base64url' }),
      }),
    },
    { description: 'A `PushSubscription` as `JSON.stringify` writes it', additionalProperties: true },
  ),
  response: { 204: { ...Type.Null(), description: 'It replaces the one that the token had' } },
}
export const unsubscribeSchema: FastifySchema = {
  tags,
  summary: 'End the push subscription of the token',
  response: { 204: { ...Type.Null(), description: 'Nothing is sent there any more' } },
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
