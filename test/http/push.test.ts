/** Push messages from end to end: a browser subscribes, its owner signs in elsewhere, and a push service of our own gets the news. */
import t, { type Test } from 'tap'
import { geoFolder } from '../support/activity-world.js'
import {
  type Browser,
  type PushService,
  startPushService,
  subscribeBrowser,
  verifyVapid,
} from '../support/push-service.js'
import { until } from '../support/redis-groups.js'
import { ada, startService, type TestService } from '../support/service.js'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
const newerFirefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0'
const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1'
const britain = '81.2.69.142'
const sweden = '89.160.20.112'

interface World {
  push: PushService
  service: TestService
}

async function start(t: Test, env: Record<string, string> = {}): Promise<World> {
  const push = await startPushService(t)
  const service = await startService(t, { env: await geoEnv(t, env), pushReach: push.reach })
  await service.addAccount()
  return { push, service }
}

const geoEnv = async (t: Test, env: Record<string, string> = {}) => ({
  COUNTERSIGN_GEO_DB: await geoFolder(t),
  COUNTERSIGN_TRUST_PROXY: '127.0.0.1/32',
  ...env,
})

interface SignedIn {
  handle: string
  headers: { authorization: string; 'user-agent': string; 'x-forwarded-for': string }
}

/** Signs Ada in. */
async function signIn({ service }: World, userAgent = firefox, ip = britain): Promise<SignedIn> {
  const answer = await service.app.inject({
    method: 'POST',
    url: '/auth/sign_in',
    payload: { email: ada.uid, password: ada.password },
    headers: { 'user-agent': userAgent, 'x-forwarded-for': ip },
  })
  const { 'access-token': token, client: handle } = answer.headers
  if (typeof token !== 'string' || typeof handle !== 'string') throw new Error(answer.body)
  const headers = { authorization: `Bearer ${token}`, 'user-agent': userAgent, 'x-forwarded-for': ip }
  return { handle, headers }
}

/** Presents the token from where it was opened, so that the use is no news. */
const request =
  ({ service }: World, { headers }: SignedIn, method: 'GET' | 'POST' | 'DELETE' | 'PATCH' | 'PUT') =>
  (url: string, payload?: object) =>
    service.app.inject({ method, url, headers, ...(payload && { payload }) })

async function subscribe(world: World, session: SignedIn, browser: Browser = subscribeBrowser()) {
  const { endpoint, keys } = browser.subscription
  for (const secret of [endpoint, endpoint.split('/').pop() ?? '', keys.auth])
    world.service.secrets.guard(secret)
  world.service.secrets.guard(Buffer.from(keys.auth, 'base64url'))
  const answer = await request(world, session, 'POST')('/token/push', browser.subscription)
  if (answer.statusCode !== 204) throw new Error(answer.body)
  return browser
}

async function notificationsOf(world: World, session: SignedIn): Promise<boolean> {
  const listed = await request(world, session, 'GET')('/token')
  return listed.json().find(({ current }: { current: boolean }) => current).notifications
}

const subscriptionsIn = ({ service }: World) => service.redis.client.keys('cs:ps:*')

t.test('a sign-in from a new country and on a new device is told to the other sessions', async (t) => {
  const world = await start(t)
  const laptop = await signIn(world)
  t.equal(await notificationsOf(world, laptop), false)
  const browser = await subscribe(world, laptop)
  t.equal(await notificationsOf(world, laptop), true)

  const before = Date.now()
  const phone = await signIn(world, safari, sweden)
  const [message] = await world.push.reached(1)
  if (message === undefined) throw new Error('nothing came')
  const { at, ...told } = browser.read(message) as { at: string }
  t.strictSame(told, {
    events: ['session.new_location', 'session.new_device'],
    country: 'SE',
    device: 'Safari on iOS',
    session: phone.handle,
  })
  t.ok(Date.parse(at) >= before && Date.parse(at) <= Date.now())
  const { claims, publicKey } = await verifyVapid(message)
  const offered = await request(world, laptop, 'GET')('/token/push')
  t.equal(publicKey, offered.json().applicationServerKey, 'the key that the browser had asked for')
  t.equal(claims.sub, 'mailto:postmaster@127.0.0.1')

  const events = (await world.service.redis.client.xrange('cs:events', '-', '+')).map(([, fields]) =>
    Object.fromEntries(fields.flatMap((_, i) => (i % 2 === 0 ? [[fields[i], fields[i + 1]]] : []))),
  )
  const { handle } = phone
  t.match(
    events.filter(({ type }) => String(type).startsWith('session.new_')),
    [
      { type: 'session.new_location', uid: ada.uid, handle, reason: 'SE', ip: sweden },
      { type: 'session.new_device', uid: ada.uid, handle, reason: 'Safari on iOS', ip: sweden },
    ],
  )
})

t.test('all others are told, once an endpoint; the new session itself is not', async (t) => {
  const world = await start(t)
  const [one, other, same, silent] = [
    await signIn(world),
    await signIn(world),
    await signIn(world),
    await signIn(world),
  ]
  const browsers = [await subscribe(world, one), await subscribe(world, other)]
  await subscribe(world, same, browsers[0])
  t.equal(await notificationsOf(world, silent), false)
  await signIn(world, newerFirefox)
  const phone = await signIn(world, safari)
  await subscribe(world, phone)
  await world.push.reached(2)
  const paths = new Set(browsers.map(({ subscription }) => new URL(subscription.endpoint).pathname))
  t.strictSame(new Set(world.push.received.map(({ path }) => path)), paths)
  await world.service.app.close()
  t.equal(world.push.received.length, 2, 'an update of the browser is no new device')
})

t.test('what the push service has ended is forgotten; a newer subscription stays', async (t) => {
  const world = await start(t)
  const laptop = await signIn(world)
  await subscribe(world, laptop)
  world.push.status = 410
  await signIn(world, safari)
  await until('it is forgotten', async () => (await subscriptionsIn(world)).length === 0)
  t.equal(await notificationsOf(world, laptop), false)

  await subscribe(world, laptop)
  world.push.status = 500
  await signIn(world, 'curl/8.1')
  await world.push.reached(2)
  await world.service.app.close()
  t.equal((await subscriptionsIn(world)).length, 1, 'a failure is no reason')
})

t.test('it ends with its session, in whatever way that ends', async (t) => {
  const world = await start(t, { COUNTERSIGN_MAX_SESSIONS: '2' })
  const { accounts } = world.service
  const ends: [what: string, end: (session: SignedIn) => Promise<unknown>][] = [
    ['sign-out', (own) => request(world, own, 'DELETE')('/auth/sign_out')],
    ['DELETE /token', (own) => request(world, own, 'DELETE')('/token', { id: own.handle })],
    [
      'PATCH /token',
      (own) => request(world, own, 'PATCH')('/token', { id: own.handle, notifications: false }),
    ],
    ['DELETE /token/push', (own) => request(world, own, 'DELETE')('/token/push')],
    ['eviction', async () => [await signIn(world), await signIn(world)]],
    [
      'a password change elsewhere',
      async () => {
        const own = await signIn(world)
        const payload = {
          current_password: ada.password,
          password: ada.password,
          password_confirmation: ada.password,
        }
        await request(world, own, 'PUT')('/auth/password', payload)
      },
    ],
    ['suspension', () => accounts.suspend(ada.uid, { uid: undefined, ip: '', userAgent: '' })],
  ]
  for (const [what, end] of ends) {
    const session = await signIn(world)
    await subscribe(world, session)
    t.equal((await subscriptionsIn(world)).length, 1)
    await end(session)
    t.strictSame(await subscriptionsIn(world), [], what)
  }
})

t.test('it lives as long as its session', async (t) => {
  const world = await start(t, { COUNTERSIGN_IDLE_LIFE: '2 s' })
  const { client } = world.service.redis
  const session = await signIn(world)
  await subscribe(world, session)
  const [key = ''] = await subscriptionsIn(world)
  const [record = ''] = await client.keys('cs:{*')
  t.equal(await client.pexpiretime(key), await client.pexpiretime(record))
  const first = await client.pexpiretime(key)
  await until('a use moves its end on', async () => {
    await request(world, session, 'GET')('/token')
    return (await client.pexpiretime(record)) > first
  })
  t.equal(await client.pexpiretime(key), await client.pexpiretime(record))
  await until('it is over', async () => (await client.exists(record)) === 0)
  t.equal(await client.exists(key), 0)
})

t.test('Redis has neither the endpoint nor the secret', async (t) => {
  const world = await start(t)
  const { endpoint, keys } = (await subscribe(world, await signIn(world))).subscription
  const { client, dir } = world.service.redis
  await client.save()
  const found = await world.service.secrets.findLeaks(dir)
  t.strictSame(found, [])
  const [key = ''] = await subscriptionsIn(world)
  const stored = (await client.get(key)) ?? ''
  t.match(stored, /^1\.[\w-]+$/)
  for (const secret of [endpoint, keys.auth, keys.p256dh]) {
    t.notMatch(stored, secret)
    t.notMatch(Buffer.from(stored.slice(2), 'base64url').toString('latin1'), secret)
  }
})

t.test('a subscription is good for its own session alone', async (t) => {
  const world = await start(t)
  const { client } = world.service.redis
  await subscribe(world, await signIn(world))
  const [stolen = ''] = await subscriptionsIn(world)
  const own = await signIn(world)
  const browser = await subscribe(world, own)
  const [key = ''] = (await subscriptionsIn(world)).filter((one) => one.endsWith(own.handle))
  await client.set(stolen, (await client.get(key)) ?? '')
  await signIn(world, safari)
  await until('it is noticed', () =>
    world.service.secrets.lines.some((line) => line.includes('push messages fail')),
  )
  const [message, ...more] = await world.push.reached(1)
  if (message === undefined) throw new Error('the other was not told')
  t.ok(browser.read(message))
  t.strictSame(more, [])
})

t.test('instances share the key, and each tells the browsers of the other', async (t) => {
  const push = await startPushService(t)
  const keys = `1:${Buffer.from(Array.from({ length: 32 }, (_, i) => 7 * i)).toString('base64url')}`
  const env = await geoEnv(t, { COUNTERSIGN_KEYS: keys })
  const one = await startService(t, { env, pushReach: push.reach })
  const other = await startService(t, { env, pushReach: push.reach, redis: one.redis })
  await one.addAccount()
  const laptop = await signIn({ push, service: one })
  const browser = await subscribe({ push, service: one }, laptop)
  const offered = await Promise.all(
    [one, other].map(async (service) =>
      (await request({ push, service }, laptop, 'GET')('/token/push')).json(),
    ),
  )
  t.strictSame(offered[0], offered[1])
  await signIn({ push, service: other }, safari)
  const [message] = await push.reached(1)
  if (message === undefined) throw new Error('nothing came')
  t.match(browser.read(message), { events: ['session.new_device'], country: 'GB' })
  t.equal((await verifyVapid(message)).publicKey, offered[0].applicationServerKey)
})

t.test('bad subscriptions are refused by name, and nothing is stored', async (t) => {
  const world = await start(t)
  const session = await signIn(world)
  const { endpoint, keys } = subscribeBrowser().subscription
  const wrong: [body: object, error: RegExp][] = [
    [{}, /^'endpoint' is required\.$/],
    [{ endpoint: 7, keys }, /^'endpoint' has to be a string\.$/],
    [{ endpoint, keys: 'none' }, /^'keys\.p256dh' is required\.$/],
    [{ endpoint, keys: { ...keys, p256dh: [] } }, /^'keys\.p256dh' has to be a string\.$/],
    [{ endpoint, keys: { p256dh: keys.p256dh } }, /^'keys\.auth' is required\.$/],
    [{ endpoint, keys: { ...keys, auth: 'x' } }, /^'keys\.auth' has to be 16 bytes/],
    [{ endpoint, keys: { ...keys, p256dh: 'BBBB' } }, /^'keys\.p256dh' has to be an uncompressed point/],
    [{ endpoint: 'http://push.example.test/', keys }, /^'endpoint' has to be the https URL/],
    [{ endpoint: 'https://localhost/', keys }, /^'endpoint' has to be at a host of the public network/],
    [{ endpoint: 'https://redis/', keys }, /^'endpoint' has to be at a host of the public network/],
  ]
  for (const [body, error] of wrong) {
    const answer = await request(world, session, 'POST')('/token/push', body)
    t.equal(answer.statusCode, 400, JSON.stringify(body))
    t.match(answer.json().error, error)
  }
  const inUrl = await request(
    world,
    session,
    'POST',
  )(`/token/push?endpoint=${encodeURIComponent(endpoint)}`, { keys })
  t.match(inUrl.json(), { error: "'endpoint' is required." })
  t.strictSame(await subscriptionsIn(world), [])
  t.equal(await notificationsOf(world, session), false)
})

t.test('while Redis is away', async (t) => {
  const world = await start(t)
  const session = await signIn(world)
  await world.service.redis.kill()
  for (const method of ['GET', 'POST', 'DELETE'] as const) {
    const payload = method === 'POST' ? subscribeBrowser().subscription : undefined
    const answer = await request(world, session, method)('/token/push', payload)
    t.equal(answer.statusCode, 503, method)
  }
  await world.service.redis.restart()
})
