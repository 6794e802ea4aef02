/** `app.requireAuth()` and `request.auth`: routes of any Fastify app, guarded by an authenticator in its own process. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Decision, Grant } from '../session.js'
import type { Authenticator } from '../sessions/authenticate.js'
import type { Auth, AuthRequirements } from './auth.js'
import { bearerChallenge, scopeChallenge } from './challenge.js'
import { readCredential } from './credentials.js'
import { tokenHeaders } from './devise-wire.js'
import { answerWith } from './dialect.js'
import { describeFault } from './faults.js'
import { keepHeaderBytes } from './header-text.js'
import { problemDetails } from './problem-details.js'
import { useOf } from './use.js'

/** Decorates `app`; its own hooks and error handler have no say in what is answered to a refused request. */
export function decorateWithAuth(app: FastifyInstance, authenticator: Authenticator): void {
  const proved = new WeakMap<FastifyRequest, Auth>()

  app.decorateRequest('auth', {
    getter() {
      const auth = proved.get(this)
      if (auth === undefined) throw new Error(`no requireAuth() hook has let ${this.method} ${this.url} pass`)
      return auth
    },
  })
  app.addHook('onSend', keepHeaderBytes)

  app.decorate('requireAuth', (requirements: AuthRequirements = {}) => async (request, reply) => {
    let decision: Decision
    try {
      const mode = requirements.rotate ? 'rotate' : 'verify'
      decision = await authenticator.authenticate(readCredential(request), mode, useOf(request))
    } catch (error) {
      const fault = error instanceof Error ? error : new Error(String(error))
      request.log.error({ err: fault }, 'a token could not be verified')
      return answerWith(problemDetails, uncached(reply), describeFault(fault))
    }
    if (!decision.ok || decision.session === undefined) {
      const code = decision.ok ? 'missing' : decision.refusal.code
      return refuse(reply, 401, bearerChallenge(code), 'Send the token of a live session.')
    }
    const { session, account, token } = decision
    // Before anything is refused: the client must learn of its next token in any case.
    if (token?.fresh) uncached(reply).headers(tokenHeaders(session, token.value))
    const lack = whatLacks(decision, requirements)
    if (lack !== undefined) return refuse(reply, 403, lack.challenge, lack.message)
    proved.set(request, {
      subject: account.uid,
      session: session.handle,
      kind: session.kind,
      roles: account.roles,
      scopes: session.scopes,
      expiresAt: session.expiresAt,
    })
  })
}

function whatLacks({ account, session }: Grant, { scopes = [], roles = [] }: AuthRequirements) {
  if (roles.length > 0 && !account.roles.some((role) => roles.includes(role)))
    return { challenge: scopeChallenge(), message: `This needs the role ${roles.join(' or ')}.` }
  if (!scopes.every((scope) => session?.scopes.includes(scope)))
    return { challenge: scopeChallenge(scopes), message: `This needs the scope ${scopes.join(' ')}.` }
  return undefined
}

const refuse = (reply: FastifyReply, status: 401 | 403, challenge: string, message: string) =>
  answerWith(problemDetails, uncached(reply).header('www-authenticate', challenge), {
    status,
    message,
    headers: {},
  })

const uncached = (reply: FastifyReply) => reply.header('cache-control', 'no-store')
