/** `POST /verify`: verdicts on many tokens at once, for services that check what others have queued or stored. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Authenticator } from '../sessions/authenticate.js'
import { Type } from '../typebox.js'
import { credentialOf } from './bearer.js'
import { JSON_TYPE } from './rendered.js'
import { Verdict, verdictOf } from './verdict.js'

const MOST_TOKENS = 256
/** So many of the longest tokens that we issue, JWTs of 4096 characters, and what stands between them. */
const BODY_LIMIT = MOST_TOKENS * 4100 + 1024

const schema = {
  tags: ['services'],
  summary: `Verify up to ${MOST_TOKENS} tokens`,
  description: 'Whatever is no token is malformed. Verifying is no use of a session, and hands out no token.',
  body: Type.Object(
    { tokens: Type.Array(Type.String(), { minItems: 1, maxItems: MOST_TOKENS }) },
    { additionalProperties: false },
  ),
  response: {
    // To the compiler it is text, as which it is put together of verdicts that are rendered already.
    200: Type.Unsafe<string>(
      Type.Object({ verdicts: Type.Array(Verdict, { description: 'In the order of the tokens' }) }),
    ),
  },
}

/** Register it in a guarded scope that requires the role `service` or `admin`. */
export function batchRoutes(sessions: Authenticator): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post('', { schema, bodyLimit: BODY_LIMIT }, async (request, reply) => {
      // All in one turn of the event loop, so that they reach Redis together: one round trip, however many they are.
      const decisions = await Promise.all(
        request.body.tokens.map((token) => sessions.authenticate(credentialOf(token), 'verify')),
      )
      reply.type(JSON_TYPE)
      return `{"verdicts":[${decisions.map(verdictOf).join()}]}`
    })
  }
}
