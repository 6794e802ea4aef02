/**
 * A route is public or guarded by the scope it is registered in, never by remembering an option: `publicly` and
 * `guarded` are the only two ways to register one, and `requireScopes` stops the start-up of an app that has a third.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { Decision, Grant, Mode, Refusal, Session } from '../session.js'
import type { Authenticator } from '../sessions/authenticate.js'
import type { Credential } from '../sessions/credential.js'
import { useOf } from './use.js'

/** Kinds of credentials, as the API's description names them. */
export type SecurityScheme = 'sessionToken' | 'jwt' | 'devise' | 'basic'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route; set by its scope. */
    access?: 'public' | 'guarded'
    /** The credentials that a guarded route takes; set by its scope. */
    takes?: readonly SecurityScheme[]
    /** The route only says that its path does not know this verb (405). */
    refusesVerb?: boolean
    /** What a guarded route may do to the token that it is called with; `verify` when absent. */
    mode?: Mode
  }
  interface FastifyRequest {
    grant: Grant | undefined
  }
}

/** How a dialect guards a scope: where its credentials are, and what it says with a decision. */
export interface Guard {
  authenticator: Pick<Authenticator, 'authenticate'>
  /** What `read` looks for, as the API's description names it. */
  takes: readonly SecurityScheme[]
  read(request: FastifyRequest): Credential
  /** The mode of this request; the route's own when absent. */
  mode?(request: FastifyRequest): Mode
  refused(refusal: Refusal, request: FastifyRequest, reply: FastifyReply): FastifyReply
  /** Called before the handler, so that a new token reaches the client whatever the handler does. */
  granted?(grant: Grant, request: FastifyRequest, reply: FastifyReply): void
}

const mark = (scope: FastifyInstance, access: 'public' | 'guarded', takes: readonly SecurityScheme[] = []) =>
  scope.addHook('onRoute', (route: RouteOptions) => {
    route.config = { ...route.config, access: route.config?.access ?? access, takes }
  })

/** Registers `routes` for everyone. */
export async function publicly(app: FastifyInstance, routes: FastifyPluginAsync): Promise<void> {
  await app.register(async (scope) => {
    mark(scope, 'public')
    await routes(scope, {})
  })
}

/** Registers `routes` behind `guard`; their handlers read `granted(request)`. */
export async function guarded(app: FastifyInstance, guard: Guard, routes: FastifyPluginAsync): Promise<void> {
  await app.register(async (scope) => {
    mark(scope, 'guarded', guard.takes)
    // Not an async function: most decisions are there at once, and a promise each would be felt.
    scope.addHook('preHandler', (request, reply, done) => {
      const settle = (decision: Decision): void => {
        if (!decision.ok) {
          guard.refused(decision.refusal, request, reply)
          return
        }
        request.grant = decision
        guard.granted?.(decision, request, reply)
        done()
      }
      const mode = guard.mode?.(request) ?? request.routeOptions.config.mode ?? 'verify'
      const decision = guard.authenticator.authenticate(guard.read(request), mode, useOf(request))
      if (decision instanceof Promise) decision.then(settle).catch(done)
      else settle(decision)
    })
    await routes(scope, {})
  })
}

/** @returns what the guard of this route's scope has proved */
export function granted(request: FastifyRequest): Grant {
  if (request.grant === undefined) throw new Error(`${request.routeOptions.url} is not in a guarded scope`)
  return request.grant
}

/** The same where the scope's guard only takes credentials that belong to a session. */
export function grantedSession(request: FastifyRequest): Grant & { session: Session } {
  const grant = granted(request)
  if (grant.session === undefined)
    throw new Error(`${request.routeOptions.url} takes credentials without a session`)
  return { ...grant, session: grant.session }
}

/** Watches every route that is registered from now on, and refuses to start when one has no scope. */
export function requireScopes(app: FastifyInstance): void {
  app.decorateRequest('grant', undefined)
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    if (route.method !== 'OPTIONS') routes.push(route)
  })
  app.addHook('onReady', async () => {
    const open = routes.filter((route) => route.config?.access === undefined).map((route) => route.url)
    if (open.length > 0) throw new Error(`routes outside publicly() and guarded(): ${open.join(', ')}`)
  })
}
