/**
 * Redis in every sort of trouble: each request is answered at once in its dialect's envelope, what can still be answered
 * is, and when the trouble is over, so is ours, without anybody's doing.
 */
import t, { type Test } from 'tap'
import { createCountersigner } from '../src/token/countersign.js'
import { startRedis, type TestRedis } from './support/redis.js'
import { until } from './support/redis-groups.js'
import { ada, startService } from './support/service.js'
import { timed } from './support/timed.js'
import { type Asked, type Need, type Prepared, prepare, requests, validate } from './trouble/requests.js'

const ANSWERED_WITHIN_MS = 500
const BACK_WITHIN_MS = 2_000
/** Makes loading last: a pause for every command in its file, in µs. Redis answers after every 1024th. */
const LOAD_DELAY_US = 50
const LOADED_COMMANDS = 20_000

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))

const redis = await startRedis(t, { args: ['--key-load-delay', String(LOAD_DELAY_US)] })
const service = await startService(t, { redis, env: { COUNTERSIGN_SIGN_UP: 'open' } })
await service.addAccount({ ...ada, roles: ['admin'] })
const isReady = (): boolean => service.connection.status === 'ready'

interface Trouble {
  name: string
  begin(redis: TestRedis): unknown
  end(redis: TestRedis): unknown
  /** What Redis can still do. */
  can: readonly Need[]
}

const never: readonly Need[] = ['nothing']
const troubles: readonly Trouble[] = [
  { name: 'killed', can: never, begin: ({ kill }) => kill(), end: ({ restart }) => restart() },
  { name: 'frozen', can: never, begin: ({ freeze }) => freeze(), end: ({ thaw }) => thaw() },
  { name: 'busy with a script', can: never, begin: keepBusy, end: endBusyness },
  {
    name: 'read-only',
    can: ['nothing', 'read'],
    begin: ({ client }) => client.replicaof('127.0.0.1', 1),
    end: ({ client }) => client.replicaof('NO', 'ONE'),
  },
  {
    name: 'without its replicas',
    can: ['nothing', 'read'],
    begin: ({ client }) => client.config('SET', 'min-replicas-to-write', 1),
    end: ({ client }) => client.config('SET', 'min-replicas-to-write', 0),
  },
  {
    name: 'out of memory',
    can: ['nothing', 'read', 'rewrite'],
    begin: ({ client }) => client.config('SET', 'maxmemory', 1),
    end: ({ client }) => client.config('SET', 'maxmemory', 0),
  },
]

for (const { name, begin, end, can } of troubles)
  t.test(name, async (t) => {
    const prepared = await prepare(service)
    await begin(redis)
    await askEverything(t, can, prepared)
    await end(redis)
    await comesBack(t, prepared)
  })

t.test('loading its file', async (t) => {
  const prepared = await prepare(service)
  const padding = redis.client.pipeline()
  for (let i = 0; i < LOADED_COMMANDS; i++) padding.set('padding', i)
  await padding.exec()
  await redis.kill()
  const restarted = redis.restart()
  const inspector = redis.client.duplicate({ enableReadyCheck: false })
  inspector.on('error', () => {}) // it is not listening yet
  t.teardown(() => inspector.disconnect())
  const isLoading = async () => (await inspector.info('persistence')).includes('loading:1')
  await until('it is loading', isLoading)
  await askEverything(t, never, prepared)
  t.ok(await isLoading(), 'it was loading all the time')
  await restarted
  await comesBack(t, prepared)
})

t.test('out of memory: tokens stay as they are, and a copied one still ends its session', async (t) => {
  const { settled, fresh } = await prepare(service)
  const countersigner = createCountersigner(service.config.masterKeys)
  const claim = countersigner.verify(settled.headers['access-token'])
  if (typeof claim === 'string') throw new Error(claim)
  const fork = { headers: { ...settled.headers, 'access-token': countersigner.mint(claim, claim.n, 7) } }
  await redis.client.config('SET', 'maxmemory', 1)

  const verified = await validate(service, fresh)
  t.equal(verified.headers.get('access-token'), fresh.token, 'the token stays')
  t.equal((await validate(service, fork)).status, 401)
  t.equal((await validate(service, settled)).status, 401, 'revoked')

  await redis.client.config('SET', 'maxmemory', 0)
  t.equal((await validate(service, fresh)).status, 200)
})

t.test('read-only: a rotation alone makes the service look for another master', async (t) => {
  const { settled, fresh } = await prepare(service)
  const idOf = () => service.connection.call('CLIENT', 'ID').catch(() => undefined)
  const first = await idOf()
  await redis.client.replicaof('127.0.0.1', 1)
  await until('a new connection', async () => {
    await validate(service, fresh)
    return ![first, undefined].includes(await idOf())
  })
  t.equal((await validate(service, settled)).status, 200, 'what needs no writing goes on')
  await redis.client.replicaof('NO', 'ONE')
  t.equal((await validate(service, fresh)).status, 200)
})

t.test('nobody forgot to catch anything', async (t) => {
  t.same(unhandled, [])
})

/** Everything at once, and then one after the other, as whoever sends a request alone must not wait either. */
async function askEverything(t: Test, can: readonly Need[], prepared: Prepared): Promise<void> {
  const asked = requests(service, prepared)
  // What provokes a reconnection must not disturb what can be answered.
  const answerable = asked.filter(({ needs }) => can.includes(needs))
  const others = asked.filter(({ needs }) => !can.includes(needs))
  for (const one of answerable) await ask(t, one, can)
  await Promise.all(others.map((one) => ask(t, one, can)))
  for (const one of others) await ask(t, one, can)
}

async function ask(t: Test, asked: Asked, can: readonly Need[]): Promise<void> {
  const { name, needs, status, send, unavailable, remembered } = asked
  const { result, tookMs } = await timed(async () => {
    const response = await send()
    return { response, body: (await response.json()) as object }
  })
  const { response, body } = result
  t.ok(tookMs < ANSWERED_WITHIN_MS, `${name}: answered in ${tookMs} ms`)
  if (can.includes(needs) || (remembered && response.status === status)) {
    t.equal(response.status, status, name)
    return
  }
  t.equal(response.status, 503, name)
  t.equal(response.headers.get('retry-after'), '1', `${name}: says when to try again`)
  t.match(body, unavailable, `${name}: in its envelope`)
}

/** By itself, for old sessions and new ones. */
async function comesBack(t: Test, { settled, fresh }: Prepared): Promise<void> {
  const since = performance.now()
  for (const one of [settled, fresh])
    await until('answers', async () => (await validate(service, one)).status === 200)
  await service.signIn()
  t.ok(performance.now() - since < BACK_WITHIN_MS, `back in ${Math.ceil(performance.now() - since)} ms`)
  await until('connected', isReady)
}

/** A script that never ends, sent on a connection that does not wait for it. */
async function keepBusy({ client }: TestRedis): Promise<void> {
  await client.config('SET', 'busy-reply-threshold', 10)
  const runner = client.duplicate({ maxRetriesPerRequest: 0, retryStrategy: () => null })
  runner.on('error', () => {})
  t.teardown(() => runner.disconnect())
  await runner.ping()
  runner.eval('while true do end', 0).catch(() => {})
  await until('busy', async () =>
    String(await client.get('any').catch((error: Error) => error.message)).startsWith('BUSY'),
  )
}

async function endBusyness({ client }: TestRedis): Promise<void> {
  await client.script('KILL')
}
