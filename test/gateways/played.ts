/**
 * Gateways that are played: Debian has no packages of them. They ask what the real ones ask, byte for byte, by what their
 * example says, and judge the answer as the real ones do; where else they lead a request is not looked at.
 */
import { readFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { inCheckout } from '../support/checkout.js'
import { type Answer, readAnswer, sendRaw } from '../support/exchange.js'
import { startService } from '../support/service.js'
import type { Arrived } from './application.js'
import { openUsers } from './users.js'
import { openWire } from './wire.js'
import { type Asked, askPort, env, type World } from './world.js'

export type Header = Arrived['headers'][number]

/** What a gateway makes of an answer to its question. */
export type Judged =
  /** The application gets these headers; the client gets those that the gateway adds to the application's. */
  { passes: true; headers: Header[]; toClient: Header[] } | { passes: false; answer: Answer }

export interface PlayedGateway {
  /** The first line of the question about a GET of `path` in `/api/`. */
  question(path: string): string
  /** @returns what is asked about a request of a client, or undefined where the path leads nowhere */
  ask(request: Required<Pick<Asked, 'method' | 'path'>>, headers: Header[]): string[] | undefined
  judge(answer: Answer, headers: Header[]): Judged
}

export const exampleText = (path: string) => readFile(inCheckout(`examples/${path}`), 'utf8')

export async function playWorld(t: Test, gateway: PlayedGateway): Promise<World> {
  const service = await startService(t, { env })
  const users = await openUsers(service)
  const wire = await openWire(t, service.port)
  let count = 0

  async function ask(request: Asked): Promise<Answer> {
    const { method = 'GET', path, headers: lines = [] } = request
    if (path.startsWith('/auth/')) return askPort(service.port, request)
    const headers = lines.map((line): Header => {
      const [, name = '', value = ''] = /^([^:]+): *(.*)$/.exec(line) ?? []
      return [name, value]
    })
    const question = gateway.ask({ method, path }, headers)
    if (question === undefined) return { status: 'HTTP/1.1 404 Not Found', headers: [], body: '' }
    const text = [...question, 'Connection: close', '', ''].join('\r\n')
    const judged = gateway.judge(readAnswer(await sendRaw(wire.port, text)), headers)
    if (!judged.passes) return judged.answer
    count++
    const arrived: Arrived = { method, url: path, headers: judged.headers, body: '' }
    return { status: 'HTTP/1.1 200 OK', headers: judged.toClient, body: JSON.stringify(arrived) }
  }
  return { service, users, wire, application: { count: () => count }, question: gateway.question, ask }
}

/** As they go over the wire. */
export const lines = (headers: readonly Header[]) => headers.map(([name, value]) => `${name}: ${value}`)
