/** `app.requireAuth()` and `request.auth`: routes of any Fastify app, guarded by an authenticator in its own process. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Account } from '../account.js'
import type { Decision, Grant, Lasting, Session } from '../session.js'
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

/** Where a request keeps what its token has proved. */
const PROVED = Symbol('auth')

declare module '../session.js' {
  interface Lasting {
    auth: Auth | undefined
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    [PROVED]: Auth | undefined
  }
}

const passed = Promise.resolve()

/** Decorates `app`; its own hooks and error handler have no say in what is answered to a refused request. */
export function decorateWithAuth(app: FastifyInstance, authenticator: Authenticator): void {
  app.decorateRequest(PROVED, undefined)
  app.decorateRequest('auth', {
    getter() {
      const auth = this[PROVED]
      if (auth === undefined) throw new Error(`no requireAuth() hook has let ${this.method} ${this.url} pass`)
      return auth
    },
  })
  app.addHook('onSend', keepHeaderBytes)

  app.decorate('requireAuth', (requirements: AuthRequirements = {}) => {
    const mode = requirements.rotate ? 'rotate' : 'verify'
    // Not an async function: most decisions are there at once, and share one promise that says so.
    return (request, reply) => {
      try {
        const decision = authenticator.authenticate(readCredential(request), mode, useOf(request))
        return decision instanceof Promise
          ? decision
              .then((later) => settle(later, requirements, request, reply))
              .catch(failed(request, reply))
          : settle(decision, requirements, request, reply)
      } catch (error) {
        return failed(request, reply)(error)
      }
    }
  })
}

/** @returns what a hook does: a promise of nothing lets the request pass, one of the reply does not */
function settle(
  decision: Decision,
  requirements: AuthRequirements,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  if (!decision.ok || decision.session === undefined) {
    const code = decision.ok ? 'missing' : decision.refusal.code
    return sent(refuse(reply, 401, bearerChallenge(code), 'Send the token of a live session.'))
  }
  const { session, account, token, rotated, lasting } = decision
  // Before anything is refused: the client must learn of its next token in any case.
  if (rotated && token !== undefined) uncached(reply).headers(tokenHeaders(account, session, token))
  const lack = whatLacks(decision, requirements)
  if (lack !== undefined) return sent(refuse(reply, 403, lack.challenge, lack.message))
  request[PROVED] = authOf(session, account, lasting)
  return passed
}

/** Frozen: an answer that lasts has one for all its requests. */
function authOf(session: Session, account: Account, lasting: Lasting | undefined): Auth {
  if (lasting?.auth !== undefined) return lasting.auth
  const auth = Object.freeze({
    subject: account.uid,
    session: session.handle,
    kind: session.kind,
    roles: account.roles,
    scopes: session.scopes,
    expiresAt: session.expiresAt,
  })
  if (lasting !== undefined) lasting.auth = auth
  return auth
}

const failed = (request: FastifyRequest, reply: FastifyReply) => (error: unknown) => {
  const fault = error instanceof Error ? error : new Error(String(error))
  request.log.error({ err: fault }, 'a token could not be verified')
  return sent(answerWith(problemDetails, uncached(reply), describeFault(fault)))
}

/** By the reply that a hook's promise comes to, Fastify knows that it need not go on. */
const sent = async (reply: FastifyReply): Promise<FastifyReply> => reply

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
