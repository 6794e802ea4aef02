import { createServer } from 'node:net'
import t from 'tap'
import webPush from 'web-push'
import { createDeliver, type DeliverOptions } from '../../src/push/deliver.js'
import { createReach } from '../../src/push/reach.js'
import { type PushSubscription, readSubscription } from '../../src/push/subscription.js'
import { type Browser, startPushService, subscribeBrowser, verifyVapid } from '../support/push-service.js'

const keys = webPush.generateVAPIDKeys()
const contact = 'mailto:ops@example.com'

function read({ subscription: { endpoint, keys } }: Browser): PushSubscription {
  const read = readSubscription({ endpoint, ...keys })
  if ('problem' in read) throw new Error(read.problem)
  return read
}

async function start(t: Parameters<typeof startPushService>[0], options: Partial<DeliverOptions> = {}) {
  const service = await startPushService(t)
  const { agent } = createReach(service.reach)
  return { service, deliver: createDeliver({ agent, contact, ...options }) }
}

t.test('a message that the browser reads, and the push service knows whose it is', async (t) => {
  const { service, deliver } = await start(t)
  const browser = subscribeBrowser('ada')
  const text = JSON.stringify({ hello: 'wörld', long: 'x'.repeat(3900) })
  t.strictSame(await deliver(read(browser), text, keys), { result: 'delivered' })
  const [message] = await service.reached(1)
  if (message === undefined) throw new Error('nothing came')
  t.equal(message.path, '/send/ada')
  t.match(message.headers, { ttl: '86400', urgency: 'high', 'content-encoding': 'aes128gcm' })
  t.equal(message.headers.authorization?.startsWith('vapid t='), true)
  t.notMatch(message.body.toString('latin1'), 'hello')
  t.strictSame(browser.read(message), JSON.parse(text))
  t.throws(() => subscribeBrowser().read(message), 'nobody else can')
  const { claims, publicKey } = await verifyVapid(message)
  t.equal(publicKey, keys.publicKey)
  t.equal(claims.sub, contact)
  t.ok(Number(claims.exp) - Date.now() / 1000 <= 86_400, 'no longer than a day')
})

t.test('what the push service answers', async (t) => {
  const { service, deliver } = await start(t)
  for (const [status, expected] of [
    [200, { result: 'delivered' }],
    [202, { result: 'delivered' }],
    [404, { result: 'gone' }],
    [410, { result: 'gone' }],
    [301, { result: 'failed', why: 'status 301' }],
    [307, { result: 'failed', why: 'status 307' }],
    [403, { result: 'failed', why: 'status 403' }],
    [429, { result: 'failed', why: 'status 429' }],
    [500, { result: 'failed', why: 'status 500' }],
  ] as const) {
    service.status = status
    t.strictSame(await deliver(read(subscribeBrowser()), '{}', keys), expected, `${status}`)
  }
  t.equal(service.received.length, 9, 'no redirect was followed, nothing was tried again')
})

t.test('a service that is silent, away, or somebody else', async (t) => {
  const { service, deliver } = await start(t, { timeoutMs: 200 })
  const subscription = read(subscribeBrowser())
  service.status = undefined
  t.strictSame(await deliver(subscription, '{}', keys), { result: 'failed', why: 'ABORT_ERR' })

  const { ca, ...tls } = service.reach.tls ?? {}
  const stranger = createDeliver({ agent: createReach({ ...service.reach, tls }).agent, contact })
  const distrusted = await stranger(subscription, '{}', keys)
  t.strictSame(distrusted, { result: 'failed', why: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  const other = { ...subscription, endpoint: 'https://other.example.test/send' }
  const reach = { ...service.reach, resolve: async () => ['127.0.0.1'] }
  const misled = createDeliver({ agent: createReach(reach).agent, contact })
  t.strictSame(await misled(other, '{}', keys), { result: 'failed', why: 'ERR_TLS_CERT_ALTNAME_INVALID' })

  const closed = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => closed.once('listening', resolve))
  const address = closed.address()
  await new Promise((resolve) => closed.close(resolve))
  const port = typeof address === 'object' ? Number(address?.port) : 0
  const away = createReach({ ...service.reach, tls: { ca, port } })
  t.strictSame(await createDeliver({ agent: away.agent, contact })(subscription, '{}', keys), {
    result: 'failed',
    why: 'ECONNREFUSED',
  })
  t.equal(service.received.length, 1)
})

t.test('what cannot be encrypted is a failure like others', async (t) => {
  const { service, deliver } = await start(t)
  const subscription = { ...read(subscribeBrowser()), p256dh: 'AAAA' }
  t.match(await deliver(subscription, '{}', keys), { result: 'failed' })
  t.equal(service.connections(), 0)
})
