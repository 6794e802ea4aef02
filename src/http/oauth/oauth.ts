/**
 * The OAuth endpoints for internal services: introspection (RFC 7662), revocation (RFC 7009) and metadata (RFC 8414), over
 * the same sessions as every dialect. Their errors are those of RFC 6749 section 5.2.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Account } from '../../account.js'
import type { Refusal } from '../../session.js'
import type { Sessions } from '../../sessions/sessions.js'
import { readBasic } from '../basic.js'
import { basicChallenge, bearerChallenge, hasBearer } from '../challenge.js'
import { dialect, type Envelope } from '../dialect.js'
import { HttpProblem } from '../http-problem.js'
import { checkedByHandler } from '../parameters.js'
import { JSON_TYPE } from '../rendered.js'
import { type Guard, granted, guarded, publicly } from '../scopes.js'
import { actorOf } from '../use.js'
import { readCaller } from './caller.js'
import { formOf, readForms, tokenOf } from './form.js'
import { inactive, introspect } from './introspection.js'
import { metadataOf, metadataPaths } from './metadata.js'
import { introspectionSchema, metadataSchema, OAuthFailure, revocationSchema } from './schemas.js'

export interface OAuthOptions {
  sessions: Sessions
  issuer: string
}

/** The names of RFC 6749 section 4.1.2.1 for what is not the caller's doing; everything else is a wrong request. */
const errorCodes: Readonly<Record<number, string>> = {
  500: 'server_error',
  503: 'temporarily_unavailable',
}

const envelope: Envelope = {
  schema: OAuthFailure,
  render: ({ status, message }) => ({
    error: errorCodes[status] ?? 'invalid_request',
    error_description: message,
  }),
}

/** @returns the endpoints as a plugin; register it without a prefix */
export function oauth({ sessions, issuer }: OAuthOptions): FastifyPluginAsync {
  const callers: Guard = {
    authenticator: sessions,
    takes: ['basic', 'sessionToken', 'jwt'],
    read: (request) => readCaller(request, formOf(request)),
    refused: refuseCaller,
  }

  return async (app) => {
    await app.register(
      dialect(envelope, async (scope) => {
        readForms(scope)
        scope.setValidatorCompiler(checkedByHandler)
        await readBasic(scope)
        await guarded(scope, callers, async (inner) => {
          introspection(inner, sessions, issuer)
          revocation(inner, sessions)
        })
      }),
      { prefix: '/oauth2' },
    )
    const metadata = metadataOf(issuer)
    for (const prefix of metadataPaths(issuer))
      await app.register(
        dialect(envelope, (scope) =>
          publicly(scope, async (open) => {
            open.get('', { schema: metadataSchema }, async () => metadata)
          }),
        ),
        { prefix },
      )
  }
}

/**
 * A client that cannot be authenticated is `invalid_client` (RFC 6749 section 5.2); a token that does not authorise the
 * call is answered as RFC 6750 section 3 has it (RFC 7662 section 2.3). Whoever sent nothing is told of both ways.
 */
function refuseCaller({ code }: Refusal, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (code === 'conflict') throw new HttpProblem(400, 'One way to authenticate at a time.')
  const isBearer = hasBearer(request)
  const challenge = isBearer ? bearerChallenge(code) : [basicChallenge, bearerChallenge('missing')]
  return reply
    .code(401)
    .header('www-authenticate', challenge)
    .send({
      error: isBearer ? 'invalid_token' : 'invalid_client',
      error_description: 'Send the credentials of an account.',
    })
}

/** Whether a caller may ask about, and end, the tokens of others. */
const isTrusted = ({ roles }: Account) => roles.includes('admin') || roles.includes('service')

function introspection(app: FastifyInstance, sessions: Sessions, issuer: string): void {
  app.post('/introspect', { schema: introspectionSchema }, async (request, reply) => {
    const token = tokenOf(formOf(request))
    reply.type(JSON_TYPE)
    // Who may not ask learns what it would learn of a token that never was (RFC 7662 section 2.2).
    return isTrusted(granted(request).account) ? introspect(token, sessions, issuer) : inactive
  })
}

function revocation(app: FastifyInstance, sessions: Sessions): void {
  app.post('/revoke', { schema: revocationSchema }, async (request) => {
    const token = tokenOf(formOf(request))
    const { account } = granted(request)
    const onlyOf = isTrusted(account) ? undefined : account.uid
    // 200 whether or not there was anything to end (RFC 7009 section 2.2).
    await sessions.endByToken(token, 'revoked', actorOf(request), onlyOf)
    return {}
  })
}
