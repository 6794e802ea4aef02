/** The kinds of gateway: where each asks, and how it tells the method of the request that it asks about. */
import type { FastifyRequest } from 'fastify'

export interface Family {
  /** Below `/gateway`. */
  path: string
  /** Gateways that ask at a fixed path put requirements last; Envoy puts the client's own path behind them. */
  tail: '' | '/*'
  /** The method of the client's request. Only the family's own header counts: those of others may be the client's. */
  originalMethod(request: FastifyRequest): string | undefined
}

const header = (name: string) => (request: FastifyRequest) => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

export const families: readonly Family[] = [
  { path: 'nginx', tail: '', originalMethod: header('x-original-method') },
  { path: 'forward-auth', tail: '', originalMethod: header('x-forwarded-method') },
  { path: 'haproxy', tail: '', originalMethod: header('x-original-method') },
  { path: 'envoy', tail: '/*', originalMethod: ({ method }) => method },
]
