/** The kinds of gateway: where each asks, and how it tells the method of the request that it asks about. */
import type { FastifyRequest } from 'fastify'

export interface Family {
  /** Where it asks, below `/gateway`. */
  urls: readonly string[]
  /** The same without what may be left out: requirements, or a path of the client that is `/`. */
  aliases: readonly string[]
  /** The method of the client's request. Only the family's own header counts: those of others may be the client's. */
  originalMethod(request: FastifyRequest): string | undefined
}

const header = (name: string) => (request: FastifyRequest) => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

export const families: readonly Family[] = [
  { urls: ['/nginx/:requirements'], aliases: ['/nginx'], originalMethod: header('x-original-method') },
  {
    urls: ['/forward-auth/:requirements'],
    aliases: ['/forward-auth'],
    originalMethod: header('x-forwarded-method'),
  },
  { urls: ['/haproxy/:requirements'], aliases: ['/haproxy'], originalMethod: header('x-original-method') },
  {
    // Behind the path that is configured comes the client's: without requirements it has to be another one, or the
    // client would choose them.
    urls: ['/envoy/*', '/envoy-requires/:requirements/*'],
    aliases: ['/envoy', '/envoy-requires/:requirements'],
    originalMethod: ({ method }) => method,
  },
]
