/** The Specter dialect as it is described. */
import type { FastifySchema } from 'fastify'
import { Type } from '../typebox.js'

/** Bounded and printable, because a JWT carries it and must stay short enough for a header. */
export const Description = Type.String({
  maxLength: 200,
  pattern: '^[^\\p{Cc}\\p{Cs}]*$',
  description: 'Unique among the live tokens of the account',
})

/** What `parseLife` reads. A union would say the same, and three things at once of a wrong one. */
export const Life = Type.Unsafe<string | number>({
  type: ['string', 'number'],
  description: '"6 hours", "1h30m", "1:02:03" or seconds',
})

export const NewToken = Type.Object({
  jwt_token_description: Description,
  jwt_token_life: Life,
})

const Seconds = Type.Number({ description: 'Seconds' })
const Params = Type.Object({ id: Type.String({ description: 'The `jwt_token_id`' }) })
const tags = ['Specter']
const consumes = ['application/json', 'application/x-www-form-urlencoded']

export const listSchema: FastifySchema = {
  tags,
  summary: "The account's JWTs",
  response: {
    200: {
      ...Type.Object({
        message: Type.Literal('Tokens exists'),
        jwt_tokens: Type.Record(
          Type.String(),
          Type.Object({
            jwt_token_description: Type.String(),
            jwt_token_life: Seconds,
            jwt_token_remaining_life: Seconds,
          }),
        ),
      }),
      description: 'By id; an expired one is still listed for a day',
    },
  },
}
export const createSchema: FastifySchema = {
  tags,
  consumes,
  summary: 'Generate a JWT',
  description:
    'It is good as long as it is listed here; any service can also verify it offline with the published keys.',
  body: NewToken,
  response: {
    201: {
      ...Type.Object({
        message: Type.Literal('Token generated'),
        jwt_token_id: Type.String(),
        jwt_token: Type.String({ description: 'Told here only' }),
        jwt_token_description: Type.String(),
        jwt_token_life: Seconds,
      }),
      description: 'Generated',
    },
  },
}
export const readSchema: FastifySchema = {
  tags,
  summary: 'One JWT',
  params: Params,
  response: {
    200: {
      ...Type.Object({
        message: Type.Literal('Tokens exists'),
        jwt_token_description: Type.String(),
        jwt_token_life: Seconds,
        jwt_token_life_remaining: Seconds,
        expiry_status: Type.Enum(['Valid', 'Expired']),
      }),
      description: 'What is known of it, but never the token itself',
    },
  },
}
export const deleteSchema: FastifySchema = {
  tags,
  summary: 'Delete a JWT',
  params: Params,
  response: {
    200: {
      ...Type.Object({ message: Type.Literal('Token deleted') }),
      description: 'It is refused at once, everywhere',
    },
  },
}
