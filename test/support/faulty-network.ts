/**
 * What lies between a browser and the services: one port in front of all of them, that loses and delays answers which
 * the service has given, and repeats requests as gateways do. Every kind of weather is the test's to make.
 */
import { Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Test } from 'tap'

export interface Sent {
  method: string
  path: string
  headers: IncomingHttpHeaders
}

export interface Answered {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** What happens to requests and answers; preflights always pass. */
export interface Weather {
  /** How many times the request arrives, once this resolves, one after the other; the browser gets the last answer. */
  arrivals?(sent: Sent): number | Promise<number>
  /** Whether the answer reaches the browser, once this resolves. */
  delivers?(sent: Sent, answered: Answered): boolean | Promise<boolean>
}

export interface Network {
  /** Where browsers find everything. */
  readonly url: string
  /** Calm when empty. */
  weather: Weather
  /** What passed, oldest first, in the order of the answers. */
  readonly passed: { sent: Sent; answered: Answered; delivered: boolean }[]
}

/** Sends a request on as it came. A plain connection: nothing is added, followed or decoded. */
export type Forward = (origin: string, sent: Sent, body: Buffer) => Promise<Answered>

/** @param routes origins by the beginning of the path, the first that fits */
export async function startNetwork(t: Test, routes: Readonly<Record<string, string>>): Promise<Network> {
  const forward = createForwarder(t)
  let weather: Weather = {}
  const passed: Network['passed'] = []
  const url = await startServer(t, async (sent, body) => {
    const [, origin = ''] = Object.entries(routes).find(([start]) => sent.path.startsWith(start)) ?? []
    if (sent.method === 'OPTIONS') return forward(origin, sent, body)
    const { arrivals, delivers } = weather
    const times = (await arrivals?.(sent)) ?? 1
    let answered = await forward(origin, sent, body)
    for (let again = 1; again < times; again++) answered = await forward(origin, sent, body)
    const delivered = (await delivers?.(sent, answered)) ?? true
    passed.push({ sent, answered, delivered })
    return delivered ? answered : undefined
  })
  return {
    url,
    passed,
    get weather() {
      return weather
    },
    set weather(next) {
      weather = next
    },
  }
}

/**
 * A server on a free loopback port that answers with what `answer` resolves to, or hangs up when that is nothing.
 *
 * @returns its origin
 */
export async function startServer(
  t: Test,
  answer: (sent: Sent, body: Buffer) => Promise<Answered | undefined>,
): Promise<string> {
  // A connection that ended while a request was on its way would lose it, whatever the weather.
  const server = createServer({ keepAliveTimeout: 0 }, async (incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming
    const answered = await answer({ method, path: url, headers }, await buffer(incoming)).catch(
      () => undefined,
    )
    if (answered === undefined) outgoing.destroy()
    else outgoing.writeHead(answered.status, answered.headers).end(answered.body)
  })
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // TCP, so not a path
}

export function createForwarder(t: Test): Forward {
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  return async (origin, { method, path, headers }, body) => {
    const { host: _, ...passed } = headers
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(origin + path, { method, headers: passed, agent }, resolve)
        .on('error', reject)
        .end(body)
    })
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await buffer(answer) }
  }
}
