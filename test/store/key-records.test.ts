import { Redis } from 'ioredis'
import t from 'tap'
import { createKeyRecords } from '../../src/store/key-records.js'
import { keyRingKey } from '../../src/store/keys.js'
import { startRedis } from '../support/redis.js'

t.test('the sealed ring in Redis', async (t) => {
  const redis = await startRedis(t)
  const client = redis.client.duplicate({ enableOfflineQueue: false })
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  await new Promise((resolve) => client.once('ready', resolve))
  const records = createKeyRecords({ redis: client })

  t.beforeEach(() => redis.client.flushall())

  t.test('there is none at first, and Redis tells the time', async (t) => {
    const [seconds] = await redis.client.time()
    const { sealed, nowMs } = await records.read()
    t.equal(sealed, undefined)
    t.ok(Math.abs(nowMs - Number(seconds) * 1000) < 5_000, `${nowMs}`)
    t.ok(Number.isInteger(nowMs))
  })

  t.test('is replaced only by whoever saw it last', async (t) => {
    t.equal(await records.replace('something', 'a'), false, 'nothing was there')
    t.equal(await records.replace(undefined, 'a'), true)
    t.equal(await records.replace(undefined, 'b'), false)
    t.equal((await records.read()).sealed, 'a')
    t.equal(await records.replace('a', 'b'), true)
    t.equal(await records.replace('a', 'c'), false)
    t.equal((await records.read()).sealed, 'b')
    t.equal(await redis.client.pttl(keyRingKey), -1, 'it never expires')
  })

  t.test('of fifty who replace it at once exactly one does', async (t) => {
    await records.replace(undefined, 'first')
    const clients = Array.from({ length: 5 }, () => new Redis({ path: redis.socket }))
    const replaced = await Promise.all(
      Array.from({ length: 50 }, (_, i) => {
        const redis = clients[i % clients.length]
        return redis && createKeyRecords({ redis }).replace('first', `by ${i}`)
      }),
    )
    for (const other of clients) other.disconnect()
    t.equal(replaced.filter(Boolean).length, 1)
    t.equal((await records.read()).sealed, `by ${replaced.indexOf(true)}`)
  })

  t.test('the time can be pinned', async (t) => {
    const pinned = createKeyRecords({ redis: client, pinnedNowMs: () => 42 })
    t.equal((await pinned.read()).nowMs, 42)
  })

  t.test('a store that does not answer is a fault', async (t) => {
    redis.freeze()
    t.teardown(() => redis.thaw())
    await t.rejects(records.read(), { code: 'STORE_UNAVAILABLE' })
    await t.rejects(records.replace(undefined, 'x'), { code: 'STORE_UNAVAILABLE' })
  })
})
