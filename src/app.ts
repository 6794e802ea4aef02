/**
 * Composition: store → tokens → sessions and accounts → HTTP, on one screen. The only file, with `server.ts`, that knows
 * everyone; nothing below it holds ambient state.
 */
import type { Server } from 'node:http'
import cors from '@fastify/cors'
import fastify, {
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from 'fastify'
import { createAccounts } from './accounts/accounts.js'
import { type AuditedAccounts, auditAccounts } from './accounts/audited.js'
import { createPasswords } from './accounts/password.js'
import type { Config } from './config.js'
import type { Audit } from './event.js'
import { openGeo } from './geo.js'
import { endIdleConnections } from './http/closing.js'
import { devise } from './http/devise.js'
import { exposedHeaders, requestHeaders } from './http/devise-wire.js'
import { answerWith, nothingHere } from './http/dialect.js'
import { describeFault } from './http/faults.js'
import { gateway } from './http/gateway/gateway.js'
import { gigadrive } from './http/gigadrive.js'
import { health } from './http/health.js'
import { jwks } from './http/jwks.js'
import { oauth } from './http/oauth/oauth.js'
import { collectRoutes, publishRoutes } from './http/openapi.js'
import { problemDetails } from './http/problem-details.js'
import { requestIds } from './http/request-id.js'
import { requireScopes } from './http/scopes.js'
import { services } from './http/services.js'
import { specter } from './http/specter.js'
import { createActivity } from './sessions/activity.js'
import { createPolicy } from './sessions/policy.js'
import { createRecall } from './sessions/recall.js'
import { createSessions } from './sessions/sessions.js'
import { createAccountStore } from './store/accounts.js'
import type { RedisClient } from './store/connect.js'
import { createEventStore } from './store/events.js'
import { createKeyRecords } from './store/key-records.js'
import { placeOf } from './store/keys.js'
import { createNearCache } from './store/near-cache.js'
import { createSessionStore } from './store/sessions.js'
import { createSharedFacts } from './store/shared-facts.js'
import { createCountersigner } from './token/countersign.js'
import { createJwts } from './token/jwt.js'
import { createKeyRing } from './token/keyring.js'

const DAY_MS = 86_400_000
const SIGNING_KEY_PERIOD_MS = 30 * DAY_MS
/** How long verifiers may cache our keys; a new one is published that long before it signs. */
const JWKS_MAX_AGE_MS = 15 * 60_000

export interface ServiceOptions {
  config: Config
  /** Stays open when the app closes: whoever opened it closes it, last. */
  redis: RedisClient
  logger: NonNullable<FastifyServerOptions['logger']>
}

/** The service, ready to listen. */
export interface Service {
  app: FastifyInstance
  accounts: AuditedAccounts
  /** From now on `/readyz` says 503, so that gateways stop sending requests before the port closes. */
  drain(): void
}

/** Bounds on what a connection may cost. Idle connections outlive the 60 s that gateways keep theirs. */
const limits = {
  bodyLimit: 64 * 1024,
  connectionTimeout: 30_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 75_000,
  forceCloseConnections: 'idle',
  routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
  /** Node's 16 KiB is less than a browser's cookies and a gateway's headers can be together. */
  http: { maxHeaderSize: 32 * 1024, headersTimeout: 10_000 },
} as const satisfies FastifyHttpOptions<Server>

/** Builds the service on an open Redis connection. Tests and embedders call it as the server does. */
export async function buildService({ config, redis, logger }: ServiceOptions): Promise<Service> {
  const { masterKeys, jwtMaxLifeMs } = config
  const nearCache = createNearCache({ redis })
  const sessionStore = createSessionStore({ redis, rotation: config.rotation, onEnded: nearCache.hear })
  const accountStore = createAccountStore({ redis })
  const events = createEventStore({ redis })

  const app = fastify({
    ...limits,
    logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustProxy.length > 0 ? [...config.trustProxy] : false,
    genReqId: requestIds(),
    // These come before any hook.
    frameworkErrors: (error, request, reply) =>
      answerWith(problemDetails, reply.header('x-request-id', request.id), describeFault(error)),
  })
  const audit: Audit = (event) => {
    events.append(event).catch((err) => app.log.warn({ err, event: event.type }, 'an audit event was lost'))
  }

  const keyRing = createKeyRing({
    records: createKeyRecords({ redis }),
    master: masterKeys,
    alg: config.jwtAlgorithm,
    secret: config.jwtSecret,
    periodMs: SIGNING_KEY_PERIOD_MS,
    lifeMs: jwtMaxLifeMs,
    jwksMaxAgeMs: JWKS_MAX_AGE_MS,
    onRotation: ({ kid }) => audit({ type: 'key.rotated', kid }),
    onFault: (err) => app.log.warn({ err }, 'the JWT keys could not be looked at'),
  })
  await keyRing.start()
  app.addHook('onClose', async () => keyRing.stop())

  const geo = await openGeo({ paths: config.geoPaths, log: app.log })
  const facts = createSharedFacts({ redis })
  const activity = createActivity({
    store: sessionStore,
    facts,
    locate: geo.locate,
    audit,
    onFault: (err) => app.log.warn({ err }, 'where sessions are used could not be written yet'),
  })
  app.addHook('onClose', async () => {
    await activity.close()
    geo.close()
    nearCache.close()
  })

  const accounts = auditAccounts(
    createAccounts({
      store: accountStore,
      passwords: createPasswords(),
      endSessions: async (uid, reason, exceptHandle) => {
        await sessionStore.revokeAll(placeOf(uid), reason, exceptHandle)
      },
    }),
    audit,
    (uid) => nearCache.hear(`@${placeOf(uid).uidHash}`),
  )
  const sessions = createSessions({
    countersigner: createCountersigner(masterKeys),
    jwts: createJwts({ keys: keyRing, issuer: config.issuer }),
    store: sessionStore,
    policy: createPolicy({ life: config.life, longestJwtMs: jwtMaxLifeMs }),
    passwords: accounts,
    audit,
    facts,
    activity,
    recall: createRecall(nearCache, config.rotation),
  })

  let draining = false
  app.addHttpMethod('GET', { hasBody: true, overrideExisting: true })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  app.setNotFoundHandler((_request, reply) => answerWith(problemDetails, reply, nothingHere))
  app.setErrorHandler((error: Error, _request, reply) =>
    answerWith(problemDetails, reply, describeFault(error)),
  )
  endIdleConnections(app)
  requireScopes(app)
  await collectRoutes(app, config.issuer)
  if (config.corsOrigins.length > 0)
    await app.register(cors, {
      origin: [...config.corsOrigins],
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      allowedHeaders: requestHeaders,
      exposedHeaders,
      maxAge: 600,
    })

  await app.register(health({ ping: sessionStore.ping, isDraining: () => draining }))
  const jwksOptions = { keys: keyRing.jwks, maxAgeMs: JWKS_MAX_AGE_MS }
  for (const prefix of ['', '/api']) {
    await app.register(jwks(jwksOptions), { prefix })
    await app.register(devise({ sessions, accounts, signUp: config.signUp }), { prefix: `${prefix}/auth` })
    await app.register(gigadrive({ sessions }), { prefix: `${prefix}/token` })
    await app.register(specter({ sessions, longestLifeMs: jwtMaxLifeMs }), {
      prefix: `${prefix}/v1alpha/token`,
    })
    await app.register(gateway({ sessions, countryOf: activity.countryOf }), { prefix: `${prefix}/gateway` })
    await app.register(oauth({ sessions, issuer: config.issuer }), { prefix })
    await app.register(services({ sessions, accounts, events, longestJwtMs: jwtMaxLifeMs }), { prefix })
  }
  await publishRoutes(app)
  return {
    app,
    accounts,
    drain: () => {
      draining = true
    },
  }
}
