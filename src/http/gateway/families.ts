/** The kinds of gateway: where each asks, and how it tells the method of the request that it asks about. */
import type { FastifyRequest } from 'fastify'

export interface Family {
  /** Where it asks, below `/gateway`: at a path that is fixed, or, as Envoy does, with the client's own behind it. */
  url: string
  /** The same without what may be left out: requirements, or a path of the client that is `/`. */
  alias: string
  /** The method of the client's request. Only the family's own header counts: those of others may be the client's. */
  originalMethod(request: FastifyRequest): string | undefined
}

const header = (name: string) => (request: FastifyRequest) => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

export const families: readonly Family[] = [
  { url: '/nginx/:requirements', alias: '/nginx', originalMethod: header('x-original-method') },
  {
    url: '/forward-auth/:requirements',
    alias: '/forward-auth',
    originalMethod: header('x-forwarded-method'),
  },
  { url: '/haproxy/:requirements', alias: '/haproxy', originalMethod: header('x-original-method') },
  { url: '/envoy/:requirements/*', alias: '/envoy/:requirements', originalMethod: ({ method }) => method },
]
