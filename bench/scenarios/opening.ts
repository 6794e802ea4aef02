import { populate } from '../population.js'
import type { Scenario } from '../scenario.js'
import { postJson, withAdmin } from '../service-client.js'

const ACCOUNTS = 1_000
/** As many as it may have, so that the last request costs what the first does: each new one takes the place of another. */
const SESSIONS_AN_ACCOUNT = 8

/** A service authenticates people itself, and opens their sessions. */
export const opening: Scenario = {
  name: 'opening',
  about: 'POST /accounts/:uid/sessions, a session in the place of another each time',
  goals: {},
  environment: () => ({ ...withAdmin, COUNTERSIGN_MAX_SESSIONS: String(SESSIONS_AN_ACCOUNT) }),
  async open(_url, connections, storage) {
    const there = await populate(storage, 'fixed', ACCOUNTS * SESSIONS_AN_ACCOUNT, SESSIONS_AN_ACCOUNT)
    const requests = [...new Set(there.map(({ uid }) => uid))].map((uid) =>
      postJson(`/accounts/${uid}/sessions`, { kind: 'fixed' }),
    )
    let next = 0
    return Array.from({ length: connections }, () => ({
      get request() {
        return requests[next++ % requests.length] as (typeof requests)[number] // never empty
      },
      receive({ status, body }) {
        const { token } = JSON.parse(body) as { token?: string }
        return status === 201 && token?.startsWith('cst_') ? undefined : `${status} ${body}`
      },
    }))
  },
}
