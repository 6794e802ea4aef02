/**
 * `countersign/verify`: a Fastify plugin with which a Node gateway or service verifies tokens in its own process, against
 * the service's Redis, as an instance of the service does: near-cache, theft detection and audit trail included. It opens
 * no sessions and makes no keys.
 */
import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { readVerifierConfig } from './config.js'
import type { Audit } from './event.js'
import type { Auth, AuthRequirements } from './http/auth.js'
import { decorateWithAuth } from './http/require-auth.js'
import { createActivity } from './sessions/activity.js'
import { createAuthenticator } from './sessions/authenticate.js'
import { createRecall } from './sessions/recall.js'
import { connectRedis } from './store/connect.js'
import { createEventStore } from './store/events.js'
import { createKeyRecords } from './store/key-records.js'
import { createNearCache } from './store/near-cache.js'
import { createSessionStore } from './store/sessions.js'
import { createSharedFacts } from './store/shared-facts.js'
import { createCountersigner } from './token/countersign.js'
import { createJwts } from './token/jwt.js'
import { createKeyRing } from './token/keyring.js'
import { rememberClaims } from './token/proved.js'

export type { Auth, AuthRequirements }

export interface VerifyOptions {
  /**
   * The variables that the service is configured by, with the same values: `REDIS_URL`, `COUNTERSIGN_KEYS` and
   * `COUNTERSIGN_ISSUER`, and the rotation where that is not the default. `process.env` when absent.
   */
  env?: Readonly<Record<string, string | undefined>>
}

/** Less than Fastify gives a plugin, so that the reason is told rather than a time-out. */
const CONNECT_WITHIN_MS = 8_000

const verify: FastifyPluginAsync<VerifyOptions> = async (app, { env }) => {
  const config = readVerifierConfig(env)
  const { client: redis, close } = await connectRedis(config.redisUrl, {
    log: app.log,
    withinMs: CONNECT_WITHIN_MS,
  })
  const keyRing = createKeyRing({
    records: createKeyRecords({ redis }),
    master: config.masterKeys,
    alg: config.jwtAlgorithm,
    secret: config.jwtSecret,
    follows: true,
    periodMs: 0,
    lifeMs: 0,
    jwksMaxAgeMs: 0,
    onFault: (err) => app.log.warn({ err }, 'the JWT keys could not be looked at'),
  })
  await keyRing.start().catch(async (error: unknown) => {
    await close()
    throw error
  })
  const events = createEventStore({ redis })
  const audit: Audit = (event) => {
    events.append(event).catch((err) => app.log.warn({ err, event: event.type }, 'an audit event was lost'))
  }
  const nearCache = createNearCache({ redis })
  const store = createSessionStore({ redis, rotation: config.rotation, onEnded: nearCache.hear })
  const activity = createActivity({
    store,
    facts: createSharedFacts({ redis }),
    locate: () => undefined, // the service locates what it meets itself
    audit,
    tell: () => undefined,
    onFault: (err) => app.log.warn({ err }, 'where sessions are used could not be written yet'),
  })
  app.addHook('onClose', async () => {
    keyRing.stop()
    await activity.close()
    nearCache.close()
    await close()
  })
  const authenticator = createAuthenticator({
    countersigner: rememberClaims(createCountersigner(config.masterKeys)),
    jwts: createJwts({ keys: keyRing, issuer: config.issuer }),
    store,
    passwords: { authenticate: async () => ({ ok: false, code: 'malformed' }) },
    audit,
    activity,
    recall: createRecall(nearCache, config.rotation),
  })
  decorateWithAuth(app, authenticator)
}

/** Register it once, on the app itself; its decorators are there for all scopes. */
export default fp(verify, { name: 'countersign-verify', fastify: '5.x' })
