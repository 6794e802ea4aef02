import { signIn, validating, validation } from '../devise-client.js'
import { ask } from '../load.js'
import type { Scenario } from '../scenario.js'

/** A token whose successor is on its way is good for a while, and Redis is asked about it every time. */
export const verifyMiss: Scenario = {
  name: 'verify-miss',
  about: 'GET /auth/validate_token, Redis asked, no token in the answer',
  goals: { cpuRatio: 1.5, roundTrips: 1 },
  environment: () => ({ COUNTERSIGN_ROTATE_AFTER: '1 hour', COUNTERSIGN_REISSUE_AFTER: '1 hour' }),
  async open(url, connections) {
    const superseded = await signIn(url, connections)
    for (const tuple of superseded) {
      const problem = validating(tuple, 'rotates').receive(await ask(url, validation(tuple)))
      if (problem !== undefined) throw new Error(problem)
    }
    return superseded.map((tuple) => validating(tuple, 'none'))
  },
}
