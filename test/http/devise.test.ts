/** What transcripts cannot say of the devise dialect: what happens at once, over time, and behind the answers. */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { readAnswer, sendRaw } from '../support/exchange.js'
import { commandsDuring } from '../support/redis-state.js'
import { ada, operator, type SignedIn, startService, type TestService } from '../support/service.js'

const validation = '/auth/validate_token'

async function validate(service: TestService, headers: Record<string, string>, url = validation) {
  return service.app.inject({ url, headers })
}

/** The first validation of a session rotates. @returns what the client then holds */
async function confirm(service: TestService, { headers }: SignedIn) {
  const { headers: answered } = await validate(service, headers)
  return { ...headers, 'access-token': String(answered['access-token']) }
}

async function start(t: Test, env: Record<string, string> = {}): Promise<TestService> {
  const service = await startService(t, { env })
  await service.addAccount()
  return service
}

t.test('of many requests at once with one token, one is told the next token', async (t) => {
  const service = await start(t)
  const { headers, token } = await service.signIn()
  const answers = await Promise.all(Array.from({ length: 20 }, () => validate(service, headers)))
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  const told = answers.flatMap((answer) => answer.headers['access-token'] ?? [])
  t.equal(told.length, 1)
  t.not(told[0], token)
})

t.test('a request that came late never sets a client back', async (t) => {
  const service = await start(t)
  const signedIn = await service.signIn()
  const second = await confirm(service, signedIn)
  await validate(service, second)
  for (const url of [validation, `${validation}?unbatch=true`]) {
    const late = await validate(service, signedIn.headers, url)
    t.equal(late.statusCode, 200)
    for (const name of ['access-token', 'client', 'expiry', 'uid', 'token-type', 'authorization'])
      t.notOk(name in late.headers, `${name} is absent`)
  }
})

t.test('an answer that was lost is made up for, and both answers used is a theft', async (t) => {
  const service = await start(t, { COUNTERSIGN_REISSUE_AFTER: '20 ms' })
  const { headers, handle } = await service.signIn()
  const lost = await validate(service, headers)
  await delay(25)
  const again = await validate(service, headers)
  const [one, other] = [lost, again].map((answer) => String(answer.headers['access-token']))
  t.not(one, other)
  t.equal((await validate(service, { 'access-token': String(other) })).statusCode, 200)
  t.equal((await validate(service, { 'access-token': String(one) })).statusCode, 401)
  t.equal((await validate(service, { 'access-token': String(other) })).statusCode, 401, 'ended for both')
  const events = (await service.redis.client.xrange('cs:events', '-', '+')).map(([, fields]) => fields)
  t.ok(events.some((fields) => fields.includes('session.forked') && fields.includes(handle)))
})

t.test('any use slides the expiry, polling faster than the gap too, up to the absolute life', async (t) => {
  const service = await start(t, { COUNTERSIGN_IDLE_LIFE: '1 second', COUNTERSIGN_ABSOLUTE_LIFE: '2500 ms' })
  const signedIn = await service.signIn()
  const openedAt = Date.now()
  const headers = await confirm(service, signedIn)
  const expiries: number[] = [signedIn.expiry]
  let answer = await validate(service, headers)
  for (; answer.statusCode === 200; answer = await validate(service, headers)) {
    expiries.push(Number(answer.headers.expiry))
    if (Date.now() - openedAt > 6000) break
    await delay(50)
  }
  const livedMs = Date.now() - openedAt
  t.equal(answer.statusCode, 401)
  t.ok(livedMs > 1800, `lived ${livedMs} ms, longer than it would have unused`)
  t.ok(livedMs < 5000, `ended ${livedMs} ms after it began`)
  t.strictSame(expiries, [...expiries].sort(), 'never decreasing')
  t.ok(Math.max(...expiries) * 1000 <= openedAt + 2500, 'never past the absolute end')
})

t.test('a refusal by the handler itself carries the token that the rotation made', async (t) => {
  const service = await start(t)
  const { headers } = await service.signIn()
  const answer = await service.app.inject({
    method: 'PUT',
    url: '/auth',
    headers,
    payload: { password: ['not', 'a', 'string'] },
  })
  t.equal(answer.statusCode, 400)
  t.strictSame(answer.json(), { success: false, errors: ['password must be a string.'] })
  const next = String(answer.headers['access-token'])
  t.equal((await validate(service, { ...headers, 'access-token': next })).statusCode, 200)
})

t.test('a uid beyond ASCII travels as UTF-8 in headers, and everywhere else', async (t) => {
  const service = await startService(t)
  const uid = 'jürgen+大@example.com'
  await service.addAccount({ uid, email: uid, provider: 'email', password: ada.password })
  const payload = JSON.stringify({ email: uid, password: ada.password })
  const head = [
    'POST /auth/sign_in HTTP/1.1',
    'Host: x',
    'Connection: close',
    'Content-Type: application/json',
  ]
  const body = `Content-Length: ${Buffer.byteLength(payload)}\r\n\r\n${payload}`
  const { headers, status } = readAnswer(await sendRaw(service.port, `${head.join('\r\n')}\r\n${body}`))
  t.equal(status, 'HTTP/1.1 200 OK')
  const answered = Object.fromEntries(headers)
  t.equal(answered.uid, uid)

  const { 'access-token': token, client, authorization } = answered
  const ask = (target: string, ...lines: string[]) =>
    sendRaw(
      service.port,
      [`GET ${target} HTTP/1.1`, 'Host: x', 'Connection: close', ...lines, '', ''].join('\r\n'),
    )
  const query = new URLSearchParams({ 'access-token': String(token), client: String(client), uid })
  const forms = [
    ask(validation, `access-token: ${token}`, `client: ${client}`, `uid: ${uid}`),
    ask(`${validation}?${query}`),
    ask(validation, `Authorization: ${authorization}`),
  ]
  for (const answer of await Promise.all(forms)) t.match(answer, /^HTTP\/1\.1 200 OK/)
})

t.test('a validation is one round trip; so is a refused one, if it asks at all', async (t) => {
  const service = await start(t)
  const signedIn = await service.signIn()
  const headers = await service.noted(() => confirm(service, signedIn))
  const { client } = service.redis
  for (const url of [validation, `${validation}?unbatch=true`]) {
    const commands = await service.noted(() => commandsDuring(client, () => validate(service, headers, url)))
    t.ok((commands.evalsha ?? 0) <= 1, `${url}: at most one`)
    t.strictSame(
      Object.keys(commands).filter((name) => !/^(evalsha|hmget|time|hset|zadd|zrange|pexpireat)$/.test(name)),
      [],
    )
  }
  await service.accounts.signOutEverywhere(ada.uid, operator)
  const commands = await commandsDuring(client, () => validate(service, headers))
  t.ok((commands.evalsha ?? 0) <= 1, 'refused by at most one')
})
