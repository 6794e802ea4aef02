import { validating } from '../devise-client.js'
import { populate } from '../population.js'
import type { Scenario } from '../scenario.js'

/** What a polling page does most of the time: its token is current and not due, and the answer repeats it. */
export const validate: Scenario = {
  name: 'validate',
  about:
    'GET /auth/validate_token within the gap, answered from memory; each connection polls with its own session',
  goals: { cpuRatio: 1.2, roundTrips: 0 },
  environment: () => ({ COUNTERSIGN_ROTATE_AFTER: '1 hour' }),
  // What was told of a rotating session is asked for again after 5 s: one of a crowd would hardly ever be in memory.
  async open(_url, connections, storage) {
    const sessions = await populate(storage, 'rotating', connections)
    return sessions.map(({ uid, handle, token }) => validating({ uid, client: handle, token }, 'repeats'))
  },
}
