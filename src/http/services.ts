/** What internal services and administrators may do: accounts, the sessions of others, the audit trail, and figures. */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Role } from '../account.js'
import type { Grant } from '../session.js'
import { type AccountSessionsOptions, accountSessionRoutes } from './account-sessions.js'
import { accountRoutes } from './accounts.js'
import { requireRole } from './authorize.js'
import { readBasic } from './basic.js'
import { batchRoutes } from './batch.js'
import { basicChallenge, bearerChallenge } from './challenge.js'
import { readCredential } from './credentials.js'
import { dialect } from './dialect.js'
import { type EventReader, eventRoutes } from './events.js'
import { type Metrics, metricsRoutes } from './metrics.js'
import { checkedBySchema } from './parameters.js'
import { problemDetails } from './problem-details.js'
import { type Guard, guarded } from './scopes.js'

const forServices: readonly Role[] = ['service', 'admin']

export interface ServicesOptions extends AccountSessionsOptions {
  events: EventReader
  metrics: Metrics
}

/** @returns the routes as a plugin; register it without a prefix */
export function services(options: ServicesOptions): FastifyPluginAsync {
  const { sessions, accounts, events, metrics } = options
  const guard: Guard = {
    authenticator: sessions,
    takes: ['basic', 'sessionToken', 'jwt', 'devise'],
    read: readCredential,
    refused: ({ code }, _request, reply) =>
      reply
        .code(401)
        .header('www-authenticate', [bearerChallenge(code), basicChallenge])
        .type('application/problem+json')
        .send(
          problemDetails.render({ status: 401, message: 'Send the credentials of an account.', headers: {} }),
        ),
  }
  const area = (app: FastifyInstance, prefix: string, roles: readonly Role[], routes: FastifyPluginAsync) =>
    app.register(
      dialect(problemDetails, async (scope) => {
        scope.setValidatorCompiler(checkedBySchema)
        await readBasic(scope)
        await guarded(scope, guard, async (inner) => {
          requireRole(inner, roles)
          await routes(inner, {})
        })
      }),
      { prefix },
    )

  /** Asks for the session by its handle: presenting its token again could be taken for a replay. */
  async function mayStillFollow({ account: { uid }, session }: Grant): Promise<boolean> {
    const state = await accounts.find(uid)
    if (state === undefined || state.suspendedAt !== undefined) return false
    if (!state.account.roles.some((role) => forServices.includes(role))) return false
    if (session === undefined) return true
    const found = await sessions.find(uid, session.handle)
    return found !== undefined && found.session.expiresAt > Date.now()
  }

  return async (app) => {
    await area(app, '/accounts', ['admin'], accountRoutes(accounts))
    await area(app, '/accounts/:uid/sessions', forServices, accountSessionRoutes(options))
    await area(app, '/verify', forServices, batchRoutes(sessions))
    await area(app, '/events', forServices, eventRoutes({ events, mayStillFollow }))
    await area(app, '/metrics', forServices, metricsRoutes(metrics))
  }
}
