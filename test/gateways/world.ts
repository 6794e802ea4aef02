/** What the cases play with: a gateway between clients and an application, and the service that it asks. */
import type { Test } from 'tap'
import { type Answer, readAnswer, sendRaw } from '../support/exchange.js'
import type { TestService } from '../support/service.js'
import type { Application, Arrived } from './application.js'
import type { Users } from './users.js'
import type { Wire } from './wire.js'

/** What a client sends; the rest is a plain request. */
export interface Asked {
  method?: string
  path: string
  /** Lines as they go over the wire. */
  headers?: readonly string[]
  body?: string
  version?: '1.0' | '1.1'
}

export interface World {
  service: TestService
  users: Users
  /** From the gateway to the service. */
  wire: Wire
  application: Pick<Application, 'count'>
  /** The first line of what the gateway asks about a GET of `path` in `/api/`. */
  question(path: string): string
  ask(request: Asked): Promise<Answer>
}

/** Rotates often enough that a test sees it happen, and forgives what a busy machine does. */
export const env = {
  COUNTERSIGN_TRUST_PROXY: '127.0.0.1',
  COUNTERSIGN_ROTATE_AFTER: '1 second',
  COUNTERSIGN_LEEWAY: '2 seconds',
}

export const identity = ['subject', 'session', 'kind', 'roles', 'scopes', 'country', 'expires'].map(
  (word) => `x-auth-${word}`,
)
export const credentials = ['authorization', 'access-token', 'client', 'uid']
export const tokenHeaders = ['access-token', 'token-type', 'client', 'expiry', 'uid']

export const bearer = (token: string) => `Authorization: Bearer ${token}`

/** @returns the request as the application got it */
export function arrivedIn(t: Test, answer: Answer): Arrived {
  t.match(answer.status, / 200 /)
  return JSON.parse(answer.body)
}

/** Sends what must not reach the application. */
export async function refused(t: Test, { application, ask }: World, request: Asked): Promise<Answer> {
  const before = application.count()
  const answer = await ask(request)
  t.equal(application.count(), before, `${request.path} did not reach the application`)
  return answer
}

/** Sends `request` to a port as it stands. */
export async function askPort(port: number, request: Asked): Promise<Answer> {
  const { method = 'GET', path, headers = [], body = '', version = '1.1' } = request
  const isChunked = headers.some((line) => /^transfer-encoding:/i.test(line))
  const lines = [
    `${method} ${path} HTTP/${version}`,
    'Host: gateway.test',
    'Connection: close',
    ...(body === '' || isChunked ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...headers,
  ]
  return readAnswer(await sendRaw(port, `${lines.join('\r\n')}\r\n\r\n${body}`))
}
