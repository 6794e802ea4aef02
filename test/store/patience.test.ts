import t from 'tap'
import { connectRedis } from '../../src/store/connect.js'
import { orUnavailable } from '../../src/store/faults.js'
import { startRedis } from '../support/redis.js'
import { createSessionWorld } from '../support/sessions.js'
import { timed } from '../support/timed.js'

const STALL_MS = 600
const redis = await startRedis(t)
const { client, close } = await connectRedis(redis.url, { log: { info() {}, warn() {} } })
t.teardown(close)

/** Keeps this process from hearing anything. */
function standStill(): void {
  for (const until = performance.now() + STALL_MS; performance.now() < until; );
}

/** What a turn asks of Redis goes out when it ends. */
const untilSent = () => new Promise((resolve) => setImmediate(resolve))

t.test('what Redis has said while this process stood still is heard', async (t) => {
  const world = createSessionWorld(client, { realTime: true })
  const session = await world.open(await world.addAccount())
  const listing = orUnavailable(client.keys('*'))
  const presented = world.store.present(session.at(1), 'rotate')
  await untilSent()
  standStill()
  t.match(await presented, { verdict: 'rotated' })
  t.not((await listing).length, 0)
})

t.test('a Redis that stood still, too, is waited for a moment longer', async (t) => {
  redis.freeze()
  const answer = orUnavailable(client.ping())
  standStill()
  setTimeout(redis.thaw, 10)
  t.equal(await answer, 'PONG')
})

t.test('but not for ever', async (t) => {
  redis.freeze()
  const { result, tookMs } = await timed(() => {
    const refused = orUnavailable(client.ping()).catch((error: Error) => error)
    standStill()
    return refused
  })
  redis.thaw()
  t.match(result, { code: 'STORE_UNAVAILABLE', cause: { message: 'no answer from Redis within 250 ms' } })
  t.ok(tookMs < STALL_MS + 300, `${tookMs} ms`)
})
