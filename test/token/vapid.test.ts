import t, { type Test } from 'tap'
import { connectRedis } from '../../src/store/connect.js'
import { createKeyRecords } from '../../src/store/key-records.js'
import { vapidKey } from '../../src/store/keys.js'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'
import { createVapidKeys } from '../../src/token/vapid.js'
import { startRedis } from '../support/redis.js'

async function start(t: Test) {
  const redis = await startRedis(t)
  const { client, close } = await connectRedis(redis.url, { log: { info() {}, warn() {} } })
  t.teardown(close)
  const ring = generateMasterKeys()
  const records = createKeyRecords({ redis: client, key: vapidKey })
  const instance = (masterKeys = ring) => createVapidKeys({ records, master: parseMasterKeys(masterKeys) })
  return { redis, ring, instance }
}

t.test('made once, by whichever of many instances is first, and for ever', async (t) => {
  const { redis, instance } = await start(t)
  const all = await Promise.all(Array.from({ length: 20 }, () => instance()()))
  t.equal(new Set(all.map(({ publicKey }) => publicKey)).size, 1)
  t.equal(new Set(all.map(({ privateKey }) => privateKey)).size, 1)
  t.equal(Buffer.from(all[0]?.publicKey ?? '', 'base64url').length, 65)
  t.equal(Buffer.from(all[0]?.privateKey ?? '', 'base64url').length, 32)
  t.strictSame(await instance()(), all[0], 'a later start finds it')
  t.equal(await redis.client.pttl(vapidKey), -1)
})

t.test('Redis has it sealed', async (t) => {
  const { redis, instance } = await start(t)
  const { publicKey, privateKey } = await instance()()
  const stored = (await redis.client.get(vapidKey)) ?? ''
  t.match(stored, /^1\.[\w-]+$/)
  for (const key of [publicKey, privateKey]) t.notMatch(stored, key.slice(0, 20))
  await t.rejects(instance(generateMasterKeys())(), /sealed with another master key 1/)
})

t.test('a Redis that lost it gets it back from whoever still knows it', async (t) => {
  const { redis, instance } = await start(t)
  const [one, other] = [instance(), instance()]
  const keys = await one()
  await redis.client.flushall()
  t.strictSame(await one(), keys)
  t.strictSame(await other(), keys)
})

t.test('another master key seals it anew', async (t) => {
  const { redis, ring, instance } = await start(t)
  const keys = await instance()()
  const newer = `2:${generateMasterKeys().split(':')[1]}`
  t.strictSame(await instance(`${newer},${ring}`)(), keys)
  t.match(await redis.client.get(vapidKey), /^2\./)
  t.strictSame(await instance(newer)(), keys, 'so that the old one can go')
})

t.test('without Redis', async (t) => {
  const { redis, instance } = await start(t)
  await redis.kill()
  await t.rejects(instance()(), { code: 'STORE_UNAVAILABLE' })
  await redis.restart()
})
