/**
 * `Authorization: Basic`, parsed by @fastify/basic-auth and judged, like every other credential, by the guard of the
 * scope: so an outage of Redis is 503 there, and not a wrong password.
 */
import basicAuth from '@fastify/basic-auth'
import type { FastifyInstance } from 'fastify'
import type { Credential } from '../sessions/credential.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** What a well-formed Basic header holds (RFC 7617). */
    basic: (Credential & { kind: 'password' }) | undefined
  }
}

/** Lets the routes of `app` read `request.basic`. A malformed header reads as none. */
export async function readBasic(app: FastifyInstance): Promise<void> {
  app.decorateRequest('basic', undefined)
  await app.register(basicAuth, {
    validate(login, password, request, _reply, done) {
      request.basic = { kind: 'password', login, password }
      done()
    },
  })
  const parse = app.basicAuth.bind(app)
  app.addHook('onRequest', (request, reply, done) => {
    if (/^basic /i.test(request.headers.authorization ?? '')) parse(request, reply, () => done())
    else done()
  })
}
