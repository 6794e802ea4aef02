/** `/healthz`: the process runs. `/readyz`: it should get traffic, so Redis answers and nobody asked it to stop. */
import type { FastifyPluginAsync } from 'fastify'
import { dialect } from './dialect.js'
import { problemDetails } from './problem-details.js'
import { publicly } from './scopes.js'

export interface HealthOptions {
  /** Resolves when Redis answers a ping. @throws StoreUnavailable */
  ping(): Promise<void>
  /** Whether the process is on its way out and only finishes what it has begun. */
  isDraining(): boolean
}

export function health({ ping, isDraining }: HealthOptions): FastifyPluginAsync {
  return dialect(problemDetails, (app) =>
    publicly(app, async (scope) => {
      scope.get('/healthz', async () => ({ status: 'ok' }))

      scope.get('/readyz', async (_request, reply) => {
        if (isDraining())
          return reply.code(503).header('retry-after', '1').send({ status: 'draining', redis: 'unknown' })
        try {
          await ping()
          return { status: 'ready', redis: 'ok' }
        } catch {
          return reply
            .code(503)
            .header('retry-after', '1')
            .send({ status: 'unavailable', redis: 'unavailable' })
        }
      })
    }),
  )
}
