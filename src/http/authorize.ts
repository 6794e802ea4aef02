/** Which roles may call a guarded scope; a good credential without one is 403, not 401 (RFC 9110 section 15.5.4, RFC 6750 section 3.1). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Role } from '../account.js'
import { hasBearer, scopeChallenge } from './challenge.js'
import { HttpProblem } from './http-problem.js'
import { granted } from './scopes.js'

/** Lets only accounts with one of `roles` reach the routes of `scope`, which must be a guarded one. */
export function requireRole(scope: FastifyInstance, roles: readonly Role[]): void {
  async function check(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (granted(request).account.roles.some((role) => roles.includes(role))) return
    if (hasBearer(request)) reply.header('www-authenticate', scopeChallenge())
    throw new HttpProblem(403, `This needs an account with the role ${roles.join(' or ')}.`)
  }
  // Behind the guard, which has been put there by the same means.
  scope.addHook('onRoute', (route) => {
    route.preHandler = [...[route.preHandler ?? []].flat(), check]
  })
}
