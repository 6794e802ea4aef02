/** `POST /verify`: verdicts on many tokens at once, for services that check what others have queued or stored. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type, { type Static } from 'typebox'
import type { Decision } from '../session.js'
import type { Authenticator } from '../sessions/authenticate.js'
import { credentialOf } from './bearer.js'

const MOST_TOKENS = 256

const Batch = Type.Object(
  { tokens: Type.Array(Type.String({ maxLength: 8192 }), { minItems: 1, maxItems: MOST_TOKENS }) },
  { additionalProperties: false },
)
const Verdict = Type.Union([
  Type.Object({
    active: Type.Literal(true),
    sub: Type.String(),
    session: Type.String({ description: 'The handle' }),
    kind: Type.Enum(['rotating', 'fixed', 'jwt']),
    roles: Type.Array(Type.String()),
    scopes: Type.Array(Type.String()),
    expiresAt: Type.Integer({ description: 'Seconds since the epoch' }),
  }),
  Type.Object({
    active: Type.Literal(false),
    code: Type.String({ description: 'Why not: a word for machines' }),
  }),
])
const Verdicts = Type.Object({ verdicts: Type.Array(Verdict, { description: 'In the order of the tokens' }) })

const schema = {
  tags: ['services'],
  summary: `Verify up to ${MOST_TOKENS} tokens`,
  body: Batch,
  response: { 200: Verdicts },
}

/** Register it in a guarded scope that requires the role `service` or `admin`. */
export function batchRoutes(sessions: Authenticator): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post('', { schema }, async (request) => {
      // All in one turn of the event loop, so that they reach Redis together.
      const decisions = await Promise.all(
        request.body.tokens.map((token) => sessions.authenticate(credentialOf(token), 'verify')),
      )
      return { verdicts: decisions.map(verdictOf) }
    })
  }
}

function verdictOf(decision: Decision): Static<typeof Verdict> {
  if (!decision.ok) return { active: false, code: decision.refusal.code }
  const { session, account } = decision
  if (session === undefined) return { active: false, code: 'malformed' }
  return {
    active: true,
    sub: account.uid,
    session: session.handle,
    kind: session.kind,
    roles: [...account.roles],
    scopes: [...session.scopes],
    expiresAt: Math.floor(session.expiresAt / 1000),
  }
}
