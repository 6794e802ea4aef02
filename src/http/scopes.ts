/**
 * A route is public or guarded by the scope it is registered in, never by remembering an option: `publicly` and
 * `guarded` are the only two ways to register one, and `requireScopes` stops the start-up of an app that has a third.
 */
import type {
  FastifyContextConfig,
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  preHandlerHookHandler,
  RouteOptions,
} from 'fastify'
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
  mode?(request: FastifyRequest, route: FastifyContextConfig): Mode
  refused(
    refusal: Refusal,
    request: FastifyRequest,
    reply: FastifyReply,
    route: FastifyContextConfig,
  ): FastifyReply
  /** Called before the handler, so that a new token reaches the client whatever the handler does. */
  granted?(grant: Grant, reply: FastifyReply, route: FastifyContextConfig): void
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
    scope.addHook('onRoute', (route) => {
      route.preHandler = [judging(guard, route.config ?? {}), ...[route.preHandler ?? []].flat()]
    })
    await routes(scope, {})
  })
}

/** Knows its route's configuration from the start: Fastify makes an object of it whenever it is asked. */
function judging(guard: Guard, route: FastifyContextConfig): preHandlerHookHandler {
  const routeMode = route.mode ?? 'verify'

  function settle(decision: Decision, request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    if (!decision.ok) {
      guard.refused(decision.refusal, request, reply, route)
      return
    }
    request.grant = decision
    guard.granted?.(decision, reply, route)
    done()
  }

  // Not an async function: most decisions are there at once, and a promise each would be felt.
  return (request, reply, done) => {
    const mode = guard.mode?.(request, route) ?? routeMode
    const decision = guard.authenticator.authenticate(guard.read(request), mode, useOf(request))
    if (decision instanceof Promise) decision.then((later) => settle(later, request, reply, done)).catch(done)
    else settle(decision, request, reply, done)
  }
}

/** @returns what the guard of this route's scope has proved */
export function granted(request: FastifyRequest): Grant {
  if (request.grant === undefined) throw new Error(`${request.routeOptions.url} is not in a guarded scope`)
  return request.grant
}

/** The same where the scope's guard only takes credentials that belong to a session. */
export function grantedSession(request: FastifyRequest): Grant & { session: Session } {
  const grant = granted(request)
  if (!hasSession(grant)) throw new Error(`${request.routeOptions.url} takes credentials without a session`)
  return grant
}

const hasSession = (grant: Grant): grant is Grant & { session: Session } => grant.session !== undefined

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
