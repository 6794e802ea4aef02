/** Which requests the guard looks at. */
import { populate } from '../population.js'
import type { Answer, Scenario } from '../scenario.js'
import { scenarios } from '../scenarios.js'
import { postJson, withAdmin, withOwnToken } from '../service-client.js'

const TOKENS = 16
/** More than there are probes. */
const BATCHES = 64

/** Tokens that nobody has asked about yet. */
const batchMiss: Scenario = {
  name: 'batch-miss',
  about: `POST /verify with ${TOKENS} tokens, Redis asked`,
  goals: {},
  environment: () => withAdmin,
  async open(url, connections, storage) {
    const sessions = await populate(storage, 'fixed', BATCHES * TOKENS)
    const headers = await withOwnToken(url)
    return Array.from({ length: connections }, () => ({
      get request() {
        return {
          ...postJson('/verify', { tokens: sessions.splice(0, TOKENS).map(({ token }) => token) }),
          headers,
        }
      },
      receive: ({ status, body }: Answer) =>
        status === 200 && body.split('"active":true').length - 1 === TOKENS ? undefined : `${status} ${body}`,
    }))
  },
}

const names = [
  'verify',
  'verify-forward-auth',
  'verify-haproxy',
  'verify-envoy',
  'token-verify',
  'validate',
  'verify-miss',
  'rotate',
  'forged',
  'jwt-eddsa',
  'introspection',
  'batch',
  'list-10',
  'sign-in',
  'opening',
]

/** Those whose calls are counted. */
export const counted: readonly Scenario[] = [
  ...scenarios.filter(({ name }) => names.includes(name)),
  batchMiss,
]

/** Those whose CPU is compared with the floor's, too: one that asks Redis, and one that does not. */
export const timed: readonly Scenario[] = scenarios.filter(
  ({ name }) => name === 'verify' || name === 'rotate',
)
