/** The devise_token_auth dialect as it is described: parameters are checked by `parameters.ts`, wherever they stand. */
import type { FastifySchema } from 'fastify'
import { Type } from '../typebox.js'

const Text = Type.String({ maxLength: 1024 })

export const SignIn = Type.Object(
  {
    email: Type.Optional(Text),
    uid: Type.Optional(Text),
    username: Type.Optional(Text),
    password: Type.Optional(Text),
  },
  { description: 'One of `email`, `uid` and `username`, with `password`; as JSON, form, query or headers' },
)

export const Profile = Type.Object(
  {
    email: Type.Optional(Text),
    password: Type.Optional(Text),
    password_confirmation: Type.Optional(Text),
    current_password: Type.Optional(Text),
  },
  { description: 'Any further names are attributes of the user: free JSON, up to 8 kB; null removes one' },
)

export const Passwords = Type.Object({
  password: Text,
  password_confirmation: Text,
  current_password: Type.Optional(Text),
})

/** devise answers with a list of sentences, or with what is wrong by attribute. */
export const Failure = Type.Object(
  {
    success: Type.Optional(Type.Literal(false)),
    status: Type.Optional(Type.Literal('error')),
    errors: Type.Union([
      Type.Array(Type.String()),
      Type.Record(Type.String(), Type.Array(Type.String()), {
        description: 'By attribute, and as sentences in `full_messages`',
      }),
    ]),
  },
  { title: 'DeviseFailure', additionalProperties: true },
)

const user = {
  id: Type.Integer(),
  uid: Type.String(),
  email: Type.Union([Type.String(), Type.Null()]),
  provider: Type.String(),
}
const ShortUser = Type.Object(user, {
  description: 'With the attributes of the account',
  additionalProperties: true,
})
const LongUser = Type.Object(
  { ...user, created_at: Type.String(), updated_at: Type.String() },
  { description: 'With the attributes of the account', additionalProperties: true },
)

const text = (description: string) => ({ type: 'string', description })
export const tupleHeaders = {
  'access-token': text('The token to use from now on. Without this header, keep the one you have.'),
  'token-type': text('`Bearer`'),
  client: text('The handle of the session'),
  expiry: text('When the session ends if it is not used again: seconds since the epoch'),
  uid: text('The account'),
}
export const tokenHeaders = {
  ...tupleHeaders,
  authorization: text('`Bearer` and the base64 of these five as JSON'),
}

/** An answer that may carry a token in its headers. */
const withToken = (properties: Parameters<typeof Type.Object>[0], description: string) => ({
  ...Type.Object(properties),
  description,
  headers: tokenHeaders,
})

export const signInSchema: FastifySchema = {
  tags: ['devise'],
  summary: 'Sign in',
  description: 'Opens a session. Unknown accounts and wrong passwords are answered alike, in equal time.',
  body: SignIn,
  response: { 200: withToken({ data: ShortUser }, 'Signed in') },
}
export const signUpSchema: FastifySchema = {
  tags: ['devise'],
  summary: 'Sign up',
  description: 'Creates an account and signs it in, where COUNTERSIGN_SIGN_UP is `open`.',
  body: Profile,
  response: { 200: withToken({ status: Type.Literal('success'), data: LongUser }, 'Signed up and in') },
}
export const validateSchema: FastifySchema = {
  tags: ['devise'],
  summary: 'Validate the token, and rotate it when it is due',
  querystring: Type.Object({
    unbatch: Type.Optional(Type.String({ description: 'Any value but `false` asks for a rotation now' })),
  }),
  response: { 200: withToken({ success: Type.Literal(true), data: ShortUser }, 'The token is good') },
}
export const signOutSchema: FastifySchema = {
  tags: ['devise'],
  summary: 'Sign out',
  response: {
    200: { ...Type.Object({ success: Type.Literal(true) }), description: 'The session has ended' },
  },
}
export const updateSchema: FastifySchema = {
  tags: ['devise'],
  summary: "Update the caller's account",
  description: 'A new password ends every other session of the account.',
  body: Profile,
  response: { 200: withToken({ status: Type.Literal('success'), data: LongUser }, 'Updated') },
}
export const passwordSchema: FastifySchema = {
  tags: ['devise'],
  summary: 'Change the password',
  description: 'Ends every other session of the account.',
  body: Passwords,
  response: {
    200: withToken({ success: Type.Literal(true), data: LongUser, message: Type.String() }, 'Changed'),
  },
}
export const deletionSchema: FastifySchema = {
  tags: ['devise'],
  summary: "Delete the caller's account",
  response: {
    200: {
      ...Type.Object({ status: Type.Literal('success'), message: Type.String() }),
      description: 'The account, and every session of it, is gone',
    },
  },
}
