/** The HTTP side before it has routes: bounds, request ids, what answers when no dialect does, and CORS. */
import type { Server } from 'node:http'
import cors from '@fastify/cors'
import fastify, {
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { Logger } from 'pino'
import { endConnections } from './closing.js'
import { connectionsOf } from './connections.js'
import { exposedHeaders, requestHeaders } from './devise-wire.js'
import { answerWith, nothingHere } from './dialect.js'
import { describeFault } from './faults.js'
import { collectRoutes } from './openapi.js'
import { problemDetails } from './problem-details.js'
import { requestIds } from './request-id.js'
import { requireScopes } from './scopes.js'
import { endSlowReaders } from './slow-readers.js'
import { answerUnreadable } from './unreadable-request.js'

export interface HttpOptions {
  log: Logger
  /** Addresses and CIDR ranges whose `X-Forwarded-*` are believed. */
  trustProxy: readonly string[]
  /** Web origins whose pages may call; none: no CORS at all. */
  corsOrigins: readonly string[]
  /** The URL by which others know the service. */
  issuer: string
}

/** Bounds on what a connection may cost. Idle connections outlive the 60 s that gateways keep theirs. */
const limits = {
  bodyLimit: 64 * 1024,
  requestTimeout: 15_000,
  keepAliveTimeout: 75_000,
  forceCloseConnections: 'idle',
  /** What has still come in is answered: whoever sent it did not know. */
  return503OnClosing: false,
  routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
  /** Node's 16 KiB is less than a browser's cookies and a gateway's headers can be together. */
  http: { maxHeaderSize: 32 * 1024, headersTimeout: 10_000 },
} as const satisfies FastifyHttpOptions<Server>

/**
 * Every path answers under `/api` too, but for what is no dialect's. It is read without that, because a second registration
 * of all routes would cost a sixth of start-up. The target may be a whole URL (RFC 9112 section 3.2.2).
 */
const underApi = /^(https?:\/\/[^/]*)?\/api(?=\/(?!healthz|readyz|docs|openapi\.json))/

/**
 * Instead of Fastify's own, which cost start-up: every scope says how it checks, and answers are typed by the schemas they
 * are described with.
 */
const compilersFactory = {
  buildValidator: () => () => {
    throw new Error('a route has a schema for requests, and its scope no validator')
  },
  buildSerializer: () => () => (answer: unknown) => JSON.stringify(answer),
}

/** What all answers have: nothing may be kept by a cache unless its route says so. */
function markAnswer({ id }: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.header('x-request-id', id).header('cache-control', 'no-store')
}

/** Opens an app to register routes on; it refuses to start with one that is neither public nor guarded. */
export async function openHttp({
  log,
  trustProxy,
  corsOrigins,
  issuer,
}: HttpOptions): Promise<FastifyInstance> {
  // Fastify is given no logger: with each request it would make a child of it and wait for the end of the answer.
  const app = fastify({
    ...limits,
    trustProxy: trustProxy.length > 0 ? [...trustProxy] : false,
    schemaController: { compilersFactory },
    genReqId: requestIds(),
    // Looking first is several times as quick for all the others.
    rewriteUrl: ({ url = '/' }) => (url.includes('/api/') ? url.replace(underApi, '$1') : url),
    clientErrorHandler: answerUnreadable,
    // These come before any hook.
    frameworkErrors: (error, request, reply) =>
      answerWith(problemDetails, markAnswer(request, reply), describeFault(error)),
  })
  app.log = log
  app.addHttpMethod('GET', { hasBody: true, overrideExisting: true })
  // One hook for both headers: each is felt.
  app.addHook('onRequest', (request, reply, done) => {
    markAnswer(request, reply)
    done()
  })
  app.setNotFoundHandler((_request, reply) => answerWith(problemDetails, reply, nothingHere))
  app.setErrorHandler((error: Error, _request, reply) =>
    answerWith(problemDetails, reply, describeFault(error)),
  )
  const connections = connectionsOf(app.server)
  endConnections(app, connections)
  endSlowReaders(app, connections)
  requireScopes(app)
  await collectRoutes(app, issuer)
  if (corsOrigins.length > 0)
    await app.register(cors, {
      origin: [...corsOrigins],
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      allowedHeaders: requestHeaders,
      exposedHeaders,
      maxAge: 600,
    })
  return app
}
