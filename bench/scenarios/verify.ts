import { signInAndUse } from '../devise-client.js'
import type { Scenario } from '../scenario.js'
import { gatewayAsking } from './gateway-asking.js'

/** What a gateway asks before each request: is the token good, and whose is it? */
export const verify: Scenario = {
  name: 'verify',
  about: 'GET /gateway/nginx, answered from memory',
  goals: { cpuRatio: 1.2, roundTrips: 0 },
  environment: () => ({ COUNTERSIGN_ROTATE_AFTER: '1 hour' }),
  async open(url, connections) {
    const tuples = await signInAndUse(url, connections)
    const sessions = tuples.map(({ uid, client, token }) => ({ uid, handle: client, token }))
    return gatewayAsking(url, sessions)
  },
}
