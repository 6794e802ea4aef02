/** The audit trail: exactly one entry an act, and a stream that a follower may leave and come back to. */
import { setTimeout as delay } from 'node:timers/promises'
import type { InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { placeOf, sessionKey } from '../../src/store/keys.js'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { ada, startService, type TestService } from '../support/service.js'

const admin = {
  uid: 'admin',
  provider: 'local',
  password: 'a password for the admin',
  roles: ['admin'],
} as const
const basic = (uid: string, password: string) =>
  `Basic ${Buffer.from(`${uid}:${password}`).toString('base64')}`
const asAdmin = { authorization: basic(admin.uid, admin.password) }
const asAda = { authorization: basic(ada.uid, ada.password) }

type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
type Entry = Readonly<Record<string, string>>

async function start(t: Test, env: Record<string, string> = {}): Promise<TestService> {
  const service = await startService(t, { env })
  await service.addAccount(admin)
  await service.addAccount()
  return service
}

/** The entries that `act` adds; the trail is written after the answers, over the connection that answers the ping. */
async function entriesOf(service: TestService, act: () => Promise<unknown>): Promise<Entry[]> {
  await service.connection.ping()
  const [newest] = await service.redis.client.xrevrange('cs:events', '+', '-', 'COUNT', 1)
  await act()
  await service.connection.ping()
  const entries = await service.redis.client.xrange('cs:events', `(${newest?.[0] ?? '0'}`, '+')
  return entries.map(([, fields]) =>
    Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : []))),
  )
}

async function request({ app }: TestService, method: Verb, url: string, more: InjectOptions) {
  const answer = await app.inject({ ...more, method, url })
  if (answer.statusCode >= 500) throw new Error(`${method} ${url}: ${answer.body}`)
  return answer
}

const newToken = async (service: TestService) => {
  const { id } = (await request(service, 'POST', '/token', { headers: asAda })).json()
  return { id, authorization: `Bearer ${id}` }
}
const newJwt = async (service: TestService, description: string) => {
  const payload = { jwt_token_description: description, jwt_token_life: '1 day' }
  return (await request(service, 'POST', '/v1alpha/token', { headers: asAda, payload })).json()
}
const sessionsOf = async (service: TestService, uid: string) =>
  (await request(service, 'GET', `/accounts/${uid}/sessions`, { headers: asAdmin })).json() as {
    id: string
  }[]

t.test('every act adds exactly one entry', async (t) => {
  const service = await start(t)
  const { signIn } = service
  const acts: [what: string, types: string[], act: () => Promise<unknown>][] = []
  const add = (what: string, types: string[], act: () => Promise<unknown>) => acts.push([what, types, act])
  const ask = (method: Verb, url: string, payload?: object, headers: object = asAdmin) =>
    request(service, method, url, { headers: { ...headers }, ...(payload && { payload }) })

  add('signing in', ['session.opened'], () => signIn())
  add('a Gigadrive token', ['session.opened'], () => newToken(service))
  add('a Specter token', ['session.opened'], () => newJwt(service, 'one'))
  add('a session for somebody', ['session.opened'], () => ask('POST', `/accounts/${ada.uid}/sessions`, {}))
  add('a session with its account', ['account.created', 'session.opened'], () =>
    ask('POST', '/accounts/octocat/sessions', { create: { provider: 'github' } }),
  )

  const leaving = await signIn()
  add('signing out', ['session.ended'], () => ask('DELETE', '/auth/sign_out', undefined, leaving.headers))
  const token = await newToken(service)
  add('ending a Gigadrive token', ['session.ended'], () => ask('DELETE', '/token', { id: token.id }, token))
  const jwt = await newJwt(service, 'two')
  add('deleting a JWT', ['session.ended'], () =>
    ask('DELETE', `/v1alpha/token/${jwt.jwt_token_id}`, undefined, asAda),
  )
  const { handle } = await signIn()
  add('ending the session of another', ['session.ended'], () =>
    ask('DELETE', `/accounts/${ada.uid}/sessions/${handle}`),
  )
  add('ending all but one', ['sessions.ended'], async () => {
    const [spared] = await sessionsOf(service, ada.uid)
    await ask('DELETE', `/accounts/${ada.uid}/sessions?except=${spared?.id}`)
  })
  add('signing out everywhere', ['account.signed_out'], () => ask('DELETE', `/accounts/${ada.uid}/sessions`))

  add('creating an account', ['account.created'], () => ask('POST', '/accounts', { uid: 'grace' }))
  add('changing it', ['account.changed'], () => ask('PATCH', '/accounts/grace', { roles: ['service'] }))
  add('setting its password', ['account.password_changed'], () =>
    ask('PUT', '/accounts/grace/password', { password: 'incorrect horse battery' }),
  )
  add('changing the own password', ['account.password_changed'], async () => {
    const payload = { password: 'another horse battery', password_confirmation: 'another horse battery' }
    await ask('PUT', '/auth/password', payload, { authorization: `Bearer ${opened.at(-1)}` })
  })
  add('suspending', ['account.suspended'], () => ask('POST', '/accounts/octocat/suspend'))
  add('restoring', ['account.restored'], () => ask('POST', '/accounts/octocat/restore'))
  add('deleting an account', ['account.removed'], () => ask('DELETE', '/accounts/octocat'))

  add('a wrong password', [], () =>
    ask('GET', '/events', undefined, { authorization: basic('admin', 'wrong') }),
  )
  add('a forged token', [], () =>
    ask('GET', '/token', undefined, { authorization: `${token.authorization}A` }),
  )
  add('what has ended', [], () => ask('GET', '/token', undefined, token))
  add('ending what is not there', [], () => ask('DELETE', `/accounts/grace/sessions/${handle}`))
  add('suspending nobody', [], () => ask('POST', '/accounts/nobody/suspend'))
  add('creating what is there', [], () => ask('POST', '/accounts', { uid: 'grace' }))
  add('listing', [], () => sessionsOf(service, ada.uid))

  const opened: string[] = []
  for (const [what, types, act] of acts) {
    if (what === 'changing the own password') opened.push((await signIn()).token)
    const entries = await entriesOf(service, act)
    t.strictSame(
      entries.map(({ type }) => type),
      types,
      what,
    )
  }
})

t.test('an entry says who, what, whom, from where and why', async (t) => {
  const service = await start(t)
  const { handle } = await service.signIn()
  const headers = { ...asAdmin, 'user-agent': 'curl/8' }
  const [ended] = await entriesOf(service, () =>
    service.app.inject({ method: 'DELETE', url: `/accounts/ADA@example.com/sessions/${handle}`, headers }),
  )
  t.strictSame(ended, {
    type: 'session.ended',
    actor: 'admin',
    uid: ada.uid,
    handle,
    kind: 'rotating',
    reason: 'ended-by-service',
    ip: '127.0.0.1',
    userAgent: 'curl/8',
    ended: '1',
  })
  await service.signIn()
  await service.signIn()
  const [suspended, ...others] = await entriesOf(service, () =>
    service.app.inject({ method: 'POST', url: '/accounts/ADA@example.com/suspend', headers }),
  )
  t.strictSame(suspended, {
    type: 'account.suspended',
    actor: 'admin',
    uid: ada.uid,
    ip: '127.0.0.1',
    userAgent: 'curl/8',
  })
  t.strictSame(others, [], 'one, however many sessions it ended')
})

t.test('a refused replay or fork, and a repair, are one entry each', async (t) => {
  const validate = (service: TestService, token: string) =>
    service.app.inject({ url: '/auth/validate_token', headers: { 'access-token': token } })
  const next = async (service: TestService, token: string) =>
    String((await validate(service, token)).headers['access-token'])
  const typesOf = (entries: readonly Entry[]) => entries.map(({ type, ended }) => `${type} ${ended ?? ''}`)

  t.test('a replay ends the session; whoever comes after that is only refused', async (t) => {
    const service = await start(t, { COUNTERSIGN_ROTATION: 'sequential' })
    const { token } = await service.signIn()
    const third = await next(service, await next(service, token))
    await validate(service, third)
    t.strictSame(typesOf(await entriesOf(service, () => validate(service, token))), ['session.replayed 1'])
    t.strictSame(await entriesOf(service, () => validate(service, token)), [])
    t.strictSame(await entriesOf(service, () => validate(service, third)), [])
  })

  t.test('a replay that is only refused is an entry every time', async (t) => {
    const service = await start(t, { COUNTERSIGN_ROTATION: 'sequential', COUNTERSIGN_ON_REPLAY: 'reject' })
    const { token } = await service.signIn()
    await validate(service, await next(service, await next(service, token)))
    for (let i = 0; i < 2; i++)
      t.strictSame(typesOf(await entriesOf(service, () => validate(service, token))), ['session.replayed 0'])
  })

  t.test('a fork', async (t) => {
    const service = await start(t, { COUNTERSIGN_REISSUE_AFTER: '20 ms' })
    const { token } = await service.signIn()
    const lost = await next(service, token)
    await delay(25)
    await validate(service, await next(service, token))
    const entries = await entriesOf(service, () => validate(service, lost))
    t.strictSame(typesOf(entries), ['session.forked 1'])
    t.equal(entries[0]?.otherIp, '127.0.0.1', 'both parties')
  })

  t.test('a Redis that lost writes', async (t) => {
    const env = { COUNTERSIGN_ROTATION: 'sequential', COUNTERSIGN_KEYS: generateMasterKeys() }
    const one = await start(t, env)
    const other = await startService(t, { redis: one.redis, env })
    const { token, handle, uid } = await one.signIn()
    const { client } = one.redis
    const key = sessionKey(placeOf(uid).tag, handle)
    const before = (await client.hgetBuffer(key, 'r')) ?? ''
    const third = await next(one, await next(one, token))
    await client.hset(key, 'r', before)
    const ahead = await entriesOf(other, () => validate(other, third))
    t.strictSame(typesOf(ahead), ['session.fast_forwarded '], 'the token proves it')
    const fourth = await next(other, third)
    await client.hset(key, 'r', before)
    const repaired = await entriesOf(other, () => validate(other, fourth))
    t.equal(repaired.length, 1)
    t.match(repaired[0]?.type, /^session\.(repaired|fast-forwarded)$/)
  })
})

t.test('a new signing key is one entry, whichever instance made it', async (t) => {
  const env = { COUNTERSIGN_KEYS: generateMasterKeys() }
  const one = await startService(t, { env })
  const other = await startService(t, { env, redis: one.redis })
  await Promise.all([one.connection.ping(), other.connection.ping()])
  const entries = await one.redis.client.xrange('cs:events', '-', '+')
  const { keys } = (await other.app.inject('/.well-known/jwks.json')).json()
  t.strictSame(
    entries.map(([, fields]) => fields),
    [['type', 'key.rotated', 'kid', keys[0].kid]],
  )
})

/** A follower of the stream, over HTTP. */
async function follow(service: TestService, headers: Record<string, string> = {}, query = '') {
  const controller = new AbortController()
  const answer = await fetch(`${service.url}/events${query}`, {
    headers: { ...asAdmin, accept: 'text/event-stream', ...headers },
    signal: controller.signal,
  })
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  /** @returns whether there was more */
  async function readOn(): Promise<boolean> {
    const part = await reader?.read().catch(() => undefined)
    text += part?.value ?? ''
    return part?.done === false
  }
  return {
    answer,
    leave: () => controller.abort(),
    /** Resolves when the service ends the stream. */
    async ended() {
      while (await readOn()) {}
    },
    /** @returns the next `count` events */
    async read(count: number) {
      const events: { id: string; event: string; data: Record<string, unknown> }[] = []
      while (events.length < count) {
        const end = text.indexOf('\n\n')
        if (end < 0) {
          if (!(await readOn())) throw new Error(`the stream ended after ${events.length} events`)
          continue
        }
        const lines = text.slice(0, end).split('\n')
        text = text.slice(end + 2)
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
        const [id, event, data] = [field('id'), field('event'), field('data')]
        if (id && event && data) events.push({ id, event, data: JSON.parse(data) })
      }
      return events
    },
  }
}

t.test('a follower gets what happens, goes, and goes on where it was', async (t) => {
  const service = await start(t)
  const all = async () => (await service.app.inject({ url: '/events', headers: asAdmin })).json().events
  const follower = await follow(service)
  t.equal(follower.answer.headers.get('content-type'), 'text/event-stream')
  t.equal(follower.answer.headers.get('cache-control'), 'no-store')
  const before = (await all()).length
  for (let i = 0; i < 3; i++) await service.signIn()
  const seen = await follower.read(2)
  follower.leave()

  for (let i = 0; i < 3; i++) await service.signIn()
  const last = seen.at(-1)?.id ?? ''
  const back = await follow(service, { 'last-event-id': last })
  seen.push(...(await back.read(4)))
  await service.signIn()
  seen.push(...(await back.read(1)))
  back.leave()
  const expected = (await all()).slice(before)
  t.equal(expected.length, 7)
  t.strictSame(
    seen.map(({ data }) => data),
    expected,
    'none lost, none twice, in order',
  )
  t.ok(seen.every(({ id, event, data }) => id === data.id && event === data.type))

  const byQuery = await follow(service, {}, `?after=${last}`)
  t.strictSame(await byQuery.read(5), seen.slice(2), 'the cursor may stand in the query')
  byQuery.leave()
})

t.test('whoever is not let in any more is not told any more', async (t) => {
  const service = await start(t)
  const { token, handle } = await service.signIn(admin.uid, admin.password)
  const bySession = await follow(service, { authorization: `Bearer ${token}` })
  t.equal(bySession.answer.status, 200)
  await service.app.inject({ method: 'DELETE', url: `/accounts/admin/sessions/${handle}`, headers: asAdmin })
  await bySession.ended()

  const byPassword = await follow(service)
  await service.app.inject({
    method: 'PATCH',
    url: '/accounts/admin',
    headers: asAdmin,
    payload: { roles: [] },
  })
  await byPassword.ended()
  t.equal((await follow(service)).answer.status, 403)
})

t.test('Redis goes: the stream ends, and the client comes back later', async (t) => {
  const service = await start(t)
  const follower = await follow(service)
  await service.redis.kill()
  await follower.ended()
  t.equal((await follow(service)).answer.status, 503)
  await service.redis.restart()
})

t.test('followers do not hold up the end of the service, and are not without number', async (t) => {
  const service = await start(t)
  const followers: Awaited<ReturnType<typeof follow>>[] = []
  while (followers.length < 100) {
    const follower = await follow(service)
    // On a busy machine Redis may seem away for a moment.
    if (follower.answer.status === 200) followers.push(follower)
    else t.equal(follower.answer.status, 503)
  }
  const one = await follow(service)
  t.equal(one.answer.status, 429)
  const startedAt = Date.now()
  await Promise.all([service.app.close(), ...followers.map(({ ended }) => ended())])
  t.ok(Date.now() - startedAt < 5000)
})
