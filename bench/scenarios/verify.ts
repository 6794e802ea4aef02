import { populate } from '../population.js'
import type { Scenario } from '../scenario.js'
import { withAdmin } from '../service-client.js'
import { askEach, drawing } from './crowd.js'
import { gatewayAsking } from './gateway-asking.js'

/** What a gateway asks before each request: is the token good, and whose is it? */
const forwardAuth = (name: string, family: string): Scenario => ({
  name,
  about: `GET /gateway/${family}, answered from memory; sessions drawn from a crowd`,
  goals: { cpuRatio: 1.2, roundTrips: 0 },
  environment: () => withAdmin,
  async open(url, connections, storage) {
    const sessions = await populate(storage, 'fixed', storage.sessions)
    return gatewayAsking(url, sessions, connections, `/gateway/${family}`)
  },
})

export const verify = forwardAuth('verify', 'nginx')

/** The other families of gateways; each asks in its own way, and is answered alike. */
export const forwardAuths: readonly Scenario[] = [
  forwardAuth('verify-forward-auth', 'forward-auth'),
  forwardAuth('verify-haproxy', 'haproxy'),
  forwardAuth('verify-envoy', 'envoy/orders/7'),
]

/** The same question by a client itself. */
export const tokenVerify: Scenario = {
  name: 'token-verify',
  about: 'POST /token/verify, answered from memory; sessions drawn from a crowd',
  goals: { cpuRatio: 1.2, roundTrips: 0 },
  environment: () => withAdmin,
  async open(url, connections, storage) {
    const sessions = await populate(storage, 'fixed', storage.sessions)
    const questions = sessions.map(({ uid, token }) => ({
      request: {
        method: 'POST',
        path: '/token/verify',
        headers: { authorization: `Bearer ${token}` },
      } as const,
      judge: ({ status, body }: { status: number; body: string }) =>
        status === 200 && body.includes(`"uid":"${uid}"`) ? undefined : `${status} ${body}`,
    }))
    await askEach(url, questions, connections)
    return drawing(questions, connections)
  },
}
