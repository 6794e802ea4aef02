import { signIn, validating } from '../devise-client.js'
import { ask } from '../load.js'
import type { Scenario } from '../scenario.js'

/** What a polling page does most of the time: its token is current and not due, and the answer repeats it. */
export const validate: Scenario = {
  name: 'validate',
  about: 'GET /auth/validate_token within the gap',
  goals: { cpuRatio: 1.2 },
  environment: { COUNTERSIGN_ROTATE_AFTER: '1 hour' },
  async open(url, connections) {
    const tuples = await signIn(url, connections)
    return Promise.all(
      tuples.map(async (tuple) => {
        const first = validating(tuple, 'rotates') // the token of a sign-in is replaced at its first use
        const problem = first.receive(await ask(url, first.request))
        if (problem !== undefined) throw new Error(problem)
        return validating({ ...tuple, token: first.request.headers['access-token'] ?? '' }, 'repeats')
      }),
    )
  },
}
