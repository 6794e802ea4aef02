/** Requests that ask Redis each time, of the cheapest and of the dearest sort, about some sessions out of many. */
import { validating } from '../devise-client.js'
import type { Populated } from '../population.js'
import type { Conversation, Scenario } from '../scenario.js'
import { rotate } from '../scenarios/rotate.js'
import { verifyMiss } from '../scenarios/verify-miss.js'

export interface Sort extends Pick<Scenario, 'name' | 'environment'> {
  /** Each connection has sessions of its own, and draws one of them each time. @param sessions at least one a connection */
  asking(sessions: readonly Populated[], connections: number): Conversation[]
}

/** In this order, about the same sessions: what is only verified changes nothing, and a rotation ends the token before. */
export const sorts: readonly Sort[] = [
  {
    ...verifyMiss,
    asking: (sessions, connections) =>
      drawn(
        sessions.map(({ uid, handle, before }) => validating({ uid, client: handle, token: before }, 'none')),
        connections,
      ),
  },
  {
    ...rotate,
    asking: (sessions, connections) =>
      drawn(
        sessions.map(({ uid, handle, token }) => validating({ uid, client: handle, token }, 'rotates')),
        connections,
      ),
  },
]

function drawn(chains: readonly Conversation[], connections: number): Conversation[] {
  return Array.from({ length: connections }, (_, connection) => {
    const own = chains.filter((_, i) => i % connections === connection)
    let asked: Conversation | undefined
    return {
      get request() {
        asked = own[Math.floor(Math.random() * own.length)] as Conversation // at least one
        return asked.request
      },
      receive: (answer) => (asked === undefined ? 'nothing was asked' : asked.receive(answer)),
    }
  })
}
