/** Proof that a refused request was refused precisely and left no trace. */
import type { Test } from 'tap'
import { type Fields, format, type RawRequest } from './bad-requests.js'
import { type Answer, readAnswer, sendRaw } from './exchange.js'
import { commandsDuring, readEverything } from './redis-state.js'
import { type SignedIn, startService, type TestService } from './service.js'

export interface Prepared {
  service: TestService
  signedIn: SignedIn
  /** A good credential, and the token in it. */
  good: Fields
  token: string
}

const tokenHeaders = ['access-token', 'client', 'expiry', 'uid', 'token-type', 'authorization']

/** One service, one account, one session whose first token has been confirmed: nothing is due, nothing is unseen. */
export async function prepare(t: Test, env: Record<string, string> = {}): Promise<Prepared> {
  const service = await startService(t, { env })
  await service.addAccount()
  const signedIn = await service.signIn()
  const validate = (headers: Record<string, string>) =>
    service.app.inject({ url: '/auth/validate_token', headers })
  const { headers } = await validate(signedIn.headers)
  const good = { ...signedIn.headers, 'access-token': String(headers['access-token']) }
  await service.noted(() => validate(good))
  return { service, signedIn, good, token: good['access-token'] }
}

/** Sends `request` over a connection of its own. */
export async function ask(service: TestService, request: RawRequest): Promise<Answer> {
  return readAnswer(await sendRaw(service.port, format(request)))
}

export interface Expected {
  status: string
  body: object
  /** Who says no: nobody but the process itself when absent; Redis; or a handler, after the credential was accepted. */
  refusedBy?: 'redis' | 'handler'
}

/** Sends a bad request and proves that it was answered as `expected` and left no trace. */
export async function refuses(
  t: Test,
  service: TestService,
  what: string,
  request: RawRequest,
  expected: Expected,
): Promise<void> {
  await service.connection.ping() // whatever went before, such as an audit event, has been written
  const before = await readEverything(service.redis.client)
  let answer: Answer = { status: '', headers: [], body: '' }
  const commands = await commandsDuring(service.redis.client, async () => {
    answer = await ask(service, request)
    await service.connection.ping()
  })
  t.equal(answer.status, `HTTP/1.1 ${expected.status}`, what)
  t.strictSame(JSON.parse(answer.body), expected.body, `${what}: the dialect's envelope`)
  t.notOk(
    answer.headers.some(([name]) => tokenHeaders.includes(name)),
    `${what}: no token headers`,
  )
  if (expected.refusedBy === undefined) t.strictSame(commands, {}, `${what}: no command`)
  else if (expected.refusedBy === 'redis')
    t.ok((commands.evalsha ?? 0) <= 1, `${what}: at most one round trip`)
  t.strictSame(await readEverything(service.redis.client), before, `${what}: nothing has changed`)
}

export const unauthorized: Expected = {
  status: '401 Unauthorized',
  body: { success: false, errors: ['User not found or access-token invalid.'] },
}
