import type { Scenario } from '../scenario.js'
import { adminLogin, openSessions, withAdmin } from '../service-client.js'

/** RFC 7662: a service asks what a token means, and proves who it is with every question. */
export const introspection: Scenario = {
  name: 'introspection',
  about: 'POST /oauth2/introspect, answered from memory',
  goals: {},
  environment: () => withAdmin,
  async open(url, connections) {
    const sessions = await openSessions(url, 'fixed', connections)
    return sessions.map(({ uid, token }) => ({
      request: {
        method: 'POST',
        path: '/oauth2/introspect',
        headers: { authorization: adminLogin, 'content-type': 'application/x-www-form-urlencoded' },
        body: `token=${token}`,
      },
      receive({ status, body }) {
        const { active, sub } = JSON.parse(body) as { active?: boolean; sub?: string }
        return status === 200 && active === true && sub === uid ? undefined : `${status} ${body}`
      },
    }))
  },
}
