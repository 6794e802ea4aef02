import type { Scenario } from '../scenario.js'
import { openSessions, postJson, withAdmin } from '../service-client.js'

const TOKENS = 256

/** All that one question may hold, answered from memory. */
export const batch: Scenario = {
  name: 'batch',
  about: `POST /verify with ${TOKENS} tokens, answered from memory`,
  goals: { roundTrips: 0 },
  environment: () => withAdmin,
  async open(url, connections) {
    const sessions = await openSessions(url, 'fixed', TOKENS)
    const request = postJson('/verify', { tokens: sessions.map(({ token }) => token) })
    return Array.from({ length: connections }, () => ({
      request,
      receive({ status, body }) {
        const good = body.split('"active":true').length - 1
        return status === 200 && good === TOKENS
          ? undefined
          : `${status}, ${good} good: ${body.slice(0, 200)}`
      },
    }))
  },
}
