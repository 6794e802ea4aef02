import type { Scenario } from '../scenario.js'
import { openSessions, withAdmin } from '../service-client.js'

const MOST_LISTED = 4_000

/** A person's page of sessions. */
const list = (sessions: number): Scenario => ({
  name: `list-${sessions}`,
  about: `GET /token of an account with ${sessions} sessions`,
  goals: {},
  environment: () => ({ ...withAdmin, COUNTERSIGN_MAX_SESSIONS: String(sessions) }),
  async open(url, connections) {
    const opened = await openSessions(url, 'fixed', sessions, sessions)
    // A long list keeps Redis busy for milliseconds: many at once would run into the time limit of a command.
    const most = Math.max(1, Math.floor(MOST_LISTED / sessions))
    return Array.from({ length: Math.min(connections, most) }, (_, i) => ({
      request: {
        method: 'GET',
        path: '/token',
        headers: { authorization: `Bearer ${opened[i % sessions]?.token}` },
      },
      receive({ status, body }) {
        const listed = body.split('"lastAccessTime"').length - 1
        return status === 200 && listed === sessions
          ? undefined
          : `${status}, ${listed}: ${body.slice(0, 200)}`
      },
    }))
  },
})

export const lists: readonly Scenario[] = [list(10), list(1_000)]
