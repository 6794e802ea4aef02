import { signIn, validating } from '../devise-client.js'
import type { Scenario } from '../scenario.js'

/** The dearest request there is: every one of them hands out the next token of its session. */
export const rotate: Scenario = {
  name: 'rotate',
  about: 'GET /auth/validate_token, a rotation every time',
  goals: { cpuRatio: 1.5, redisMicros: 12, roundTrips: 1 },
  environment: () => ({ COUNTERSIGN_ROTATION: 'sequential' }),
  async open(url, connections) {
    const tuples = await signIn(url, connections)
    return tuples.map((tuple) => validating(tuple, 'rotates'))
  },
}
