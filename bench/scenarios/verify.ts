import { signInAndUse } from '../devise-client.js'
import type { Conversation, Scenario } from '../scenario.js'

/** What a gateway asks before each request: is the token good, and whose is it? */
export const verify: Scenario = {
  name: 'verify',
  about: 'GET /gateway/nginx, answered from memory',
  goals: { cpuRatio: 1.2, roundTrips: 0 },
  environment: () => ({ COUNTERSIGN_ROTATE_AFTER: '1 hour' }),
  async open(url, connections) {
    const tuples = await signInAndUse(url, connections)
    return tuples.map(
      ({ token, client, uid }): Conversation => ({
        request: { method: 'GET', path: '/gateway/nginx', headers: { authorization: `Bearer ${token}` } },
        receive({ status, headers, body }) {
          const isRight =
            status === 200 && headers['x-auth-subject'] === uid && headers['x-auth-session'] === client
          return isRight ? undefined : `${status} ${JSON.stringify(headers)} ${body}`
        },
      }),
    )
  },
}
