/** From where and with what a request came. */
import type { FastifyRequest } from 'fastify'
import type { Use } from '../session.js'

/** @returns the client's address (Fastify's, hence only from trusted proxies) and its user agent, `''` when it sent none */
export function useOf(request: FastifyRequest): Use {
  return { ip: request.ip, userAgent: request.headers['user-agent'] ?? '' }
}
