import { signInAndUse, validating } from '../devise-client.js'
import type { Scenario } from '../scenario.js'

/** What a polling page does most of the time: its token is current and not due, and the answer repeats it. */
export const validate: Scenario = {
  name: 'validate',
  about: 'GET /auth/validate_token within the gap, answered from memory',
  goals: { cpuRatio: 1.2, roundTrips: 0 },
  environment: () => ({ COUNTERSIGN_ROTATE_AFTER: '1 hour' }),
  async open(url, connections) {
    const tuples = await signInAndUse(url, connections)
    return tuples.map((tuple) => validating(tuple, 'repeats'))
  },
}
