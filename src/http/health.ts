/** `/healthz`: the process runs. `/readyz`: it should get traffic, so Redis answers and nobody asked it to stop. */
import type { FastifyPluginAsync, FastifySchema } from 'fastify'
import { Type } from '../typebox.js'
import { dialect } from './dialect.js'
import { problemDetails } from './problem-details.js'
import { publicly } from './scopes.js'

export interface HealthOptions {
  /** Resolves when Redis answers a ping. @throws StoreUnavailable */
  ping(): Promise<void>
  /** Whether the process is on its way out and only finishes what it has begun. */
  isDraining(): boolean
}

const tags = ['operations']
const healthSchema: FastifySchema = {
  tags,
  summary: 'Whether the process runs',
  response: { 200: { ...Type.Object({ status: Type.Literal('ok') }), description: 'It does' } },
}
const readySchema: FastifySchema = {
  tags,
  summary: 'Whether it should get traffic',
  response: {
    200: {
      ...Type.Object({ status: Type.Literal('ready'), redis: Type.Literal('ok') }),
      description: 'It should',
    },
  },
}

/** @returns both routes as a plugin; they belong to no dialect and no prefix */
export function health({ ping, isDraining }: HealthOptions): FastifyPluginAsync {
  return dialect(problemDetails, (app) =>
    publicly(app, async (scope) => {
      scope.get('/healthz', { schema: healthSchema }, async () => ({ status: 'ok' }))

      scope.get('/readyz', { schema: readySchema }, async (_request, reply) => {
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
