import { signIn, validation } from '../devise-client.js'
import type { Scenario } from '../scenario.js'

/** A flood of well-spelled tokens that nobody signed. */
export const forged: Scenario = {
  name: 'forged',
  about: 'GET /auth/validate_token, wrong signature',
  goals: { cpuRatio: 1.2, roundTrips: 0 },
  environment: () => ({}),
  async open(url, connections) {
    const tuples = await signIn(url, connections)
    return tuples.map((tuple) => ({
      request: validation({ ...tuple, token: withOtherMac(tuple.token) }),
      receive: ({ status, body }) => (status === 401 ? undefined : `${status} ${body}`),
    }))
  },
}

/** The last 21 characters of a token are of its MAC alone; the first of them is changed. */
function withOtherMac(token: string): string {
  const at = token.length - 21
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
