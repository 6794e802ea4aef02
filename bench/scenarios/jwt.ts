import type { Scenario } from '../scenario.js'
import { openSessions, withAdmin } from '../service-client.js'
import { gatewayAsking } from './gateway-asking.js'

/** Every one is signed by the service: what RS256 takes a millisecond for. */
const SESSIONS = 1_000

/** A JWT at a gateway, from memory: no signature is checked, whatever the algorithm. */
const jwt = (algorithm: 'EdDSA' | 'ES256' | 'RS256'): Scenario => ({
  name: `jwt-${algorithm.toLowerCase()}`,
  about: `GET /gateway/nginx with a JWT (${algorithm}), answered from memory`,
  goals: { cpuRatio: 1.25, roundTrips: 0 },
  environment: () => ({ ...withAdmin, COUNTERSIGN_JWT_ALG: algorithm }),
  async open(url, connections, storage) {
    return gatewayAsking(
      url,
      await openSessions(url, 'jwt', Math.min(SESSIONS, storage.sessions)),
      connections,
    )
  },
})

export const jwts: readonly Scenario[] = [jwt('EdDSA'), jwt('ES256'), jwt('RS256')]
