/**
 * Composition: store → tokens → sessions and accounts → HTTP, on one screen. The only file, with `server.ts`, that knows
 * everyone; nothing below it holds ambient state.
 */
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createAccounts } from './accounts/accounts.js'
import { type AuditedAccounts, auditAccounts } from './accounts/audited.js'
import { rememberCallers } from './accounts/callers.js'
import { createPasswords } from './accounts/password.js'
import type { Config } from './config.js'
import type { Audit } from './event.js'
import { publicAddress } from './geo/address.js'
import { openGeo } from './geo.js'
import { type Drain, prepareDrain } from './http/closing.js'
import { devise } from './http/devise.js'
import { gateway } from './http/gateway/gateway.js'
import { gigadrive } from './http/gigadrive.js'
import { health } from './http/health.js'
import { openHttp } from './http/http.js'
import { jwks } from './http/jwks.js'
import { createMetrics, type Gather, type Metrics } from './http/metrics.js'
import { oauth } from './http/oauth/oauth.js'
import { publishRoutes } from './http/openapi.js'
import { services } from './http/services.js'
import { specter } from './http/specter.js'
import { createTally } from './http/tally.js'
import { createDeliver } from './push/deliver.js'
import { createReach, type ReachOptions } from './push/reach.js'
import { createActivity } from './sessions/activity.js'
import type { Outcome } from './sessions/authenticate.js'
import { createPolicy } from './sessions/policy.js'
import { createRecall } from './sessions/recall.js'
import { createSessions } from './sessions/sessions.js'
import { createSubscriptions, SUBSCRIPTIONS } from './sessions/subscriptions.js'
import { createTeller } from './sessions/tell.js'
import { createAccountStore } from './store/accounts.js'
import type { RedisClient } from './store/connect.js'
import { createEventStore } from './store/events.js'
import { createKeyRecords } from './store/key-records.js'
import { accountSignal, placeOf, vapidKey } from './store/keys.js'
import { createNearCache } from './store/near-cache.js'
import { createSessionStore } from './store/sessions.js'
import { createSharedFacts } from './store/shared-facts.js'
import { createCountersigner } from './token/countersign.js'
import { createJwts } from './token/jwt.js'
import { createKeyRing } from './token/keyring.js'
import { rememberClaims } from './token/proved.js'
import { createSealer } from './token/sealed.js'
import { createVapidKeys } from './token/vapid.js'

const DAY_MS = 86_400_000
const SIGNING_KEY_PERIOD_MS = 30 * DAY_MS
/** How long verifiers may cache our keys; a new one is published that long before it signs. */
const JWKS_MAX_AGE_MS = 15 * 60_000

export interface ServiceOptions {
  config: Config
  /** Stays open when the app closes: whoever opened it closes it, last. */
  redis: RedisClient
  log: Logger
  /** How the hosts of push services are found and reached, where that is not by the public DNS: in tests. */
  pushReach?: Partial<ReachOptions>
  /** How `/metrics` comes to the figures of all processes that share the port; absent: there is only this one. */
  gather?: Gather
}

/** The service, ready to listen. */
export interface Service {
  app: FastifyInstance
  accounts: AuditedAccounts
  /** From now on `/readyz` says 503 and answers end their connections, so that clients go elsewhere before the port closes. */
  drain: Drain['begin']
  figures: Metrics['figures']
}

/** Builds the service on an open Redis connection. Tests and embedders call it as the server does. */
export async function buildService(options: ServiceOptions): Promise<Service> {
  const { config, redis, log, pushReach, gather } = options
  const { masterKeys, jwtMaxLifeMs } = config
  const nearCache = createNearCache({ redis })
  const sessionStore = createSessionStore({ redis, rotation: config.rotation, onEnded: nearCache.hear })
  const accountStore = createAccountStore({ redis })
  const events = createEventStore({ redis })

  const app = await openHttp({ ...config, log })
  const eventTally = createTally()
  const audit: Audit = (event) => {
    eventTally.add(event.type)
    events.append(event).catch((err) => log.warn({ err, event: event.type }, 'an audit event was lost'))
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
    onFault: (err) => log.warn({ err }, 'the JWT keys could not be looked at'),
  })
  app.addHook('onClose', async () => keyRing.stop())

  const geo = await openGeo({ paths: config.geoPaths, log })
  const facts = createSharedFacts({ redis })

  const vapid = createVapidKeys({ records: createKeyRecords({ redis, key: vapidKey }), master: masterKeys })
  const reach = createReach({ isPublic: (ip) => publicAddress(ip) !== undefined, ...pushReach })
  const subscriptions = createSubscriptions({
    store: sessionStore,
    sealer: createSealer(masterKeys, SUBSCRIPTIONS),
    vapid,
    isPublicHost: reach.isPublicHost,
  })
  const teller = createTeller({
    subscriptions,
    vapid,
    deliver: createDeliver({ agent: reach.agent, contact: config.pushContact }),
    onFault: (err) => log.warn({ err }, 'push messages fail'),
  })

  const activity = createActivity({
    store: sessionStore,
    facts,
    locate: geo.locate,
    audit,
    tell: teller.tell,
    onFault: (err) => log.warn({ err }, 'where sessions are used could not be written yet'),
  })
  app.addHook('onClose', async () => {
    await activity.close()
    await teller.close()
    geo.close()
    nearCache.close()
  })

  const passwords = createPasswords({ processes: config.workers })
  const accounts = auditAccounts(
    createAccounts({
      store: accountStore,
      passwords,
      endSessions: async (uid, reason, exceptHandle) => {
        await sessionStore.revokeAll(placeOf(uid), reason, exceptHandle)
      },
    }),
    audit,
    (uid) => nearCache.hear(accountSignal(uid)),
  )
  const outcomeTally = createTally<Outcome>(['accepted', 'rotated'])
  const sessions = createSessions({
    countersigner: rememberClaims(createCountersigner(masterKeys)),
    jwts: createJwts({ keys: keyRing, issuer: config.issuer }),
    store: sessionStore,
    policy: createPolicy({ life: config.life, longestJwtMs: jwtMaxLifeMs }),
    passwords: rememberCallers(accounts, nearCache),
    audit,
    facts,
    activity,
    recall: createRecall(nearCache, config.rotation),
    count: outcomeTally.add,
  })

  const measured = {
    authentications: outcomeTally.counts,
    events: eventTally.counts,
    nearCache: nearCache.counts,
    activity: activity.counts,
    passwords: passwords.counts,
    pushes: teller.counts,
  }
  const metrics = createMetrics(measured, gather)
  const drain = prepareDrain(app)
  await app.register(health({ ping: sessionStore.ping, isDraining: () => drain.begun }))
  await app.register(jwks({ keys: keyRing.jwks, maxAgeMs: JWKS_MAX_AGE_MS }))
  await app.register(devise({ sessions, accounts, signUp: config.signUp }), { prefix: '/auth' })
  await app.register(gigadrive({ sessions, subscriptions }), { prefix: '/token' })
  await app.register(specter({ sessions, longestLifeMs: jwtMaxLifeMs }), { prefix: '/v1alpha/token' })
  await app.register(gateway({ sessions, countryOf: activity.countryOf }), { prefix: '/gateway' })
  await app.register(oauth({ sessions, issuer: config.issuer }))
  await app.register(services({ sessions, accounts, events, metrics, longestJwtMs: jwtMaxLifeMs }))
  await publishRoutes(app)
  await app.ready()
  // Last: building keeps the event loop busy for longer than a command to Redis may take.
  await keyRing.start()
  // A look at each start, so that a new master key has sealed the pair anew before the old one is taken out.
  await vapid().catch((err) => log.warn({ err }, 'the VAPID keys could not be looked at'))
  return { app, accounts, drain: drain.begin, figures: metrics.figures }
}
