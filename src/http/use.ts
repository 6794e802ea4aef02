/** From where and with what a request came, and who is asking. */
import type { FastifyRequest } from 'fastify'
import type { Actor } from '../event.js'
import type { Use } from '../session.js'

/**
 * Made with `new`, not as a literal: those of requests that wait for Redis live longer, and where a place in the code makes many such
 * literals V8 puts all of its next ones among the old objects, 40 bytes of garbage there for each answer from memory. The service has
 * that switched off (`server/long-lived.ts`); an app that has `countersign/verify` in its process most likely has not.
 */
class RequestUse implements Use {
  constructor(
    readonly ip: string,
    readonly userAgent: string,
  ) {}
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What `useOf` has found, in scopes where it is asked twice: behind a proxy, each time is two microseconds. */
    use?: Use | undefined
  }
}

/** @returns the client's address (Fastify's, hence only from trusted proxies) and its user agent, `''` when it sent none */
export function useOf(request: FastifyRequest): Use {
  return request.use ?? new RequestUse(request.ip, request.headers['user-agent'] ?? '')
}

/** @returns the use with the uid of the caller, where one has proved who it is */
export function actorOf(request: FastifyRequest, uid = request.grant?.account.uid): Actor {
  return { uid, ...useOf(request) }
}
