/** From where and with what a request came, and who is asking. */
import type { FastifyRequest } from 'fastify'
import type { Actor } from '../event.js'
import type { Use } from '../session.js'

/** @returns the client's address (Fastify's, hence only from trusted proxies) and its user agent, `''` when it sent none */
export function useOf(request: FastifyRequest): Use {
  return { ip: request.ip, userAgent: request.headers['user-agent'] ?? '' }
}

/** @returns the use with the uid of the caller, where one has proved who it is */
export function actorOf(request: FastifyRequest, uid = request.grant?.account.uid): Actor {
  return { uid, ...useOf(request) }
}
