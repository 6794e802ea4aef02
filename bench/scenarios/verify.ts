import { signIn, validating } from '../devise-client.js'
import { ask } from '../load.js'
import type { Scenario } from '../scenario.js'

/** Only "is it good, and whose": a token whose successor is on its way is accepted, and the answer carries none. */
export const verify: Scenario = {
  name: 'verify',
  about: 'GET /auth/validate_token, no token in the answer',
  goals: { cpuRatio: 1.5, roundTrips: 1 },
  environment: { COUNTERSIGN_ROTATE_AFTER: '1 hour', COUNTERSIGN_REISSUE_AFTER: '1 hour' },
  async open(url, connections) {
    const tuples = await signIn(url, connections)
    return Promise.all(
      tuples.map(async (tuple) => {
        const first = validating(tuple, 'rotates')
        const problem = first.receive(await ask(url, first.request))
        if (problem !== undefined) throw new Error(problem)
        return validating(tuple, 'none') // stays with the token that was just superseded
      }),
    )
  },
}
