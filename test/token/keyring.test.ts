import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { createKeyRecords } from '../../src/store/key-records.js'
import { keyRingKey } from '../../src/store/keys.js'
import type { KeyRing, KeyRingOptions, KeyRotation } from '../../src/token/keyring.js'
import { createKeyRing } from '../../src/token/keyring.js'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'
import { keyOfSecret } from '../../src/token/signing-keys.js'
import { startRedis, type TestRedis } from '../support/redis.js'

const DAY_MS = 86_400_000
const master = parseMasterKeys(generateMasterKeys())
const secret = Buffer.from('correct horse battery staple 0123456789')

interface Instance {
  ring: KeyRing
  rotations: KeyRotation[]
  faults: unknown[]
  redis: Redis
  reads(): number
}

/** One of the service's processes, with a connection of its own. */
async function instance(
  t: Test,
  redis: TestRedis,
  options: Partial<KeyRingOptions> & { nowMs?: () => number } = {},
): Promise<Instance> {
  const client = new Redis({
    path: redis.socket,
    retryStrategy: () => 20,
    enableOfflineQueue: false,
  })
  client.on('error', () => {})
  await new Promise((resolve) => client.once('ready', resolve))
  const { nowMs, ...ringOptions } = options
  const records = createKeyRecords({ redis: client, ...(nowMs && { pinnedNowMs: nowMs }) })
  let reads = 0
  const rotations: KeyRotation[] = []
  const faults: unknown[] = []
  const ring = createKeyRing({
    records: {
      ...records,
      read: () => {
        reads++
        return records.read()
      },
    },
    master,
    alg: 'EdDSA',
    periodMs: 30 * DAY_MS,
    lifeMs: 365 * DAY_MS,
    jwksMaxAgeMs: 300_000,
    onRotation: (rotation) => rotations.push(rotation),
    onFault: (fault) => faults.push(fault),
    ...ringOptions,
  })
  t.teardown(() => {
    ring.stop()
    client.disconnect()
  })
  return { ring, rotations, faults, redis: client, reads: () => reads }
}

const kidsOf = ({ ring }: Instance) => ring.jwks().keys.map(({ kid }) => kid)

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 5_000; !(await condition()); ) {
    if (performance.now() > end) throw new Error('it did not happen within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

t.test('the key ring', async (t) => {
  const redis = await startRedis(t)
  let now = 0
  const nowMs = () => now
  t.beforeEach(async () => {
    now = Date.UTC(2030, 0)
    await redis.client.flushall()
  })

  t.test('is shared: all instances sign with one key and publish the same ones', async (t) => {
    const a = await instance(t, redis)
    const b = await instance(t, redis)
    await a.ring.start()
    await b.ring.start()
    t.equal(a.ring.signingKey().kid, b.ring.signingKey().kid)
    t.strictSame(a.ring.signingKey(), b.ring.signingKey())
    t.strictSame(a.ring.jwks(), b.ring.jwks())
    t.equal(kidsOf(a).length, 2, 'the one that signs and the next')
    t.equal(kidsOf(a)[0], a.ring.signingKey().kid)
    t.match(a.rotations, [{ kid: a.ring.signingKey().kid, alg: 'EdDSA', previous: undefined }])
    t.strictSame(b.rotations, [])
    t.equal(a.ring.verifyingKey(b.ring.signingKey().kid)?.alg, 'EdDSA')
    t.equal(a.ring.verifyingKey('../../etc/passwd'), undefined)
  })

  t.test('T2 a dump of Redis opens nothing, and public answers have public members only', async (t) => {
    const a = await instance(t, redis, { alg: 'RS256', nowMs })
    await a.ring.start()
    now += 31 * DAY_MS
    await a.ring.refresh()
    const dump = String(await redis.client.get(keyRingKey))
    const pem = String(a.ring.signingKey().signsWith).replace(/-----.*-----|\s/g, '')
    t.ok(pem.length > 1000)
    // Nothing but letters and digits, some of which spell RSA in one of fifty dumps; in the bytes that they stand for, hardly ever.
    t.match(dump, /^1\.[\w-]+$/)
    const bytes = Buffer.from(dump.slice(2), 'base64url').toString('latin1')
    for (const spelled of [dump, bytes]) t.notOk(spelled.includes(pem.slice(100, 120)))
    for (const member of ['"kty"', '"d"', '"kid"', 'RSA', 'current']) t.notOk(bytes.includes(member), member)
    t.strictSame((await redis.client.keys('*')).sort(), [keyRingKey])
    for (const jwk of a.ring.jwks().keys)
      t.strictSame(Object.keys(jwk).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
  })

  t.test('twenty instances that start at once make one ring', async (t) => {
    const instances = await Promise.all(Array.from({ length: 20 }, () => instance(t, redis)))
    await Promise.all(instances.map(({ ring }) => ring.start()))
    t.equal(new Set(instances.map(({ ring }) => ring.signingKey().kid)).size, 1)
    t.equal(new Set(instances.map((one) => kidsOf(one).join())).size, 1)
    t.equal(instances.flatMap(({ rotations }) => rotations).length, 1)
  })

  t.test('twenty instances that rotate at once make one rotation', async (t) => {
    const instances = await Promise.all(Array.from({ length: 20 }, () => instance(t, redis, { nowMs })))
    await Promise.all(instances.map(({ ring }) => ring.start()))
    const [first] = instances
    const before = first?.ring.signingKey().kid
    const verifying = first?.ring.verifyingKey(String(before))
    for (let round = 1; round <= 3; round++) {
      const next = first && kidsOf(first)[1]
      now += 30 * DAY_MS
      await Promise.all(instances.map(({ ring }) => ring.refresh()))
      t.strictSame([...new Set(instances.map(({ ring }) => ring.signingKey().kid))], [next])
      t.equal(instances.flatMap(({ rotations }) => rotations).length, 1 + round, 'one event per rotation')
    }
    t.equal(first && kidsOf(first).length, 5)
    for (const { ring } of instances) t.ok(ring.verifyingKey(String(before)), 'retired keys verify')
    t.equal(first?.ring.verifyingKey(String(before)), verifying, 'and stay the objects they were')
    now += 366 * DAY_MS
    for (const { ring } of instances) await ring.refresh()
    for (const { ring } of instances)
      t.equal(ring.verifyingKey(String(before)), undefined, 'and then they are gone')
  })

  t.test('T19 a next key is published for longer than the JWKS may be cached before it signs', async (t) => {
    const a = await instance(t, redis, { nowMs, periodMs: 1, jwksMaxAgeMs: 300_000, refreshMs: 60_000 })
    await a.ring.start()
    for (let round = 0; round < 3; round++) {
      const [current, next] = kidsOf(a)
      now += 300_000 + 5 * 60_000 - 1
      await a.ring.refresh()
      t.equal(a.ring.signingKey().kid, current)
      now += 1
      await a.ring.refresh()
      t.equal(a.ring.signingKey().kid, next)
    }
  })

  t.test('instances look again by themselves', async (t) => {
    const a = await instance(t, redis, { nowMs, refreshMs: 20 })
    const b = await instance(t, redis, { nowMs, refreshMs: 20 })
    await Promise.all([a.ring.start(), b.ring.start()])
    const before = a.ring.signingKey().kid
    now += 30 * DAY_MS
    await until(() => a.ring.signingKey().kid !== before && b.ring.signingKey().kid !== before)
    t.equal(a.ring.signingKey().kid, b.ring.signingKey().kid)
    a.ring.stop()
    const reads = a.reads()
    const others = b.reads()
    await until(() => b.reads() > others + 3)
    t.ok(a.reads() <= reads + 1, 'and stop when they are told to')
  })

  t.test('T19 a flood of unknown kids: one look per cooldown, and no good key is displaced', async (t) => {
    const a = await instance(t, redis, { cooldownMs: 100 })
    await a.ring.start()
    const { kid } = a.ring.signingKey()
    const key = a.ring.verifyingKey(kid)
    const reads = a.reads()
    const flood = async () => {
      for (let i = 0; i < 50; i++)
        await Promise.all(Array.from({ length: 200 }, (_, j) => a.ring.seekVerifyingKey(`unknown ${i} ${j}`)))
    }
    const began = performance.now()
    await flood()
    const cooldowns = Math.ceil((performance.now() - began) / 100)
    t.ok(a.reads() - reads <= cooldowns, `${a.reads() - reads} looks in ${cooldowns} cooldowns`)
    t.equal(a.ring.verifyingKey(kid), key)
  })

  t.test('an unknown kid makes an instance look again, when it has not just done so', async (t) => {
    const a = await instance(t, redis, { cooldownMs: 50, nowMs })
    const b = await instance(t, redis, { cooldownMs: 1_000_000, nowMs })
    await Promise.all([a.ring.start(), b.ring.start()])
    const c = await instance(t, redis, { nowMs })
    await c.ring.start()
    now += 30 * DAY_MS
    await c.ring.refresh() // rotates, and publishes a key that the others have not seen
    const published = String(kidsOf(c)[1])
    await until(async () => (await a.ring.seekVerifyingKey(published)) !== undefined)
    t.equal(await b.ring.seekVerifyingKey(published), undefined, 'its cooldown is not over')
  })

  t.test('goes on with what it has while Redis is away', async (t) => {
    const a = await instance(t, redis, { nowMs, refreshMs: 30, cooldownMs: 0 })
    await a.ring.start()
    const { kid } = a.ring.signingKey()
    const jwks = a.ring.jwks()
    await redis.kill()
    now += 30 * DAY_MS
    await until(() => a.faults.length > 0)
    t.equal(a.ring.signingKey().kid, kid)
    t.equal(a.ring.jwks(), jwks)
    t.ok(await a.ring.seekVerifyingKey(kid))
    await t.rejects(a.ring.seekVerifyingKey('unknown'), { code: 'STORE_UNAVAILABLE' }, 'nobody can tell')
    t.equal(a.faults.length, 1, 'one report, not one per look')

    await redis.restart()
    await until(() => a.ring.signingKey().kid !== kid)
    t.pass('and does what is due when Redis is back')
  })

  t.test('starts without Redis, and has no keys until it is there', async (t) => {
    const a = await instance(t, redis, { refreshMs: 30 })
    await redis.kill()
    await a.ring.start()
    t.throws(() => a.ring.signingKey(), { code: 'STORE_UNAVAILABLE' })
    t.throws(() => a.ring.jwks(), { code: 'STORE_UNAVAILABLE' })
    await t.rejects(a.ring.seekVerifyingKey('unknown'), { code: 'STORE_UNAVAILABLE' })
    await redis.restart()
    await until(() => {
      try {
        return a.ring.signingKey().alg === 'EdDSA'
      } catch {
        return false
      }
    })
  })

  t.test('a ring that Redis has lost is put back', async (t) => {
    const a = await instance(t, redis)
    await a.ring.start()
    const kids = kidsOf(a)
    await redis.client.flushall()
    await a.ring.refresh()
    const b = await instance(t, redis)
    await b.ring.start()
    t.strictSame(kidsOf(b), kids)
    t.equal(a.rotations.length + b.rotations.length, 1)
  })

  t.test('the master keys rotate: any of them opens, the current one seals', async (t) => {
    const [old, fresh] = [generateMasterKeys(), generateMasterKeys().replace('1:', '2:')]
    const a = await instance(t, redis, { master: parseMasterKeys(old) })
    await a.ring.start()
    t.match(await redis.client.get(keyRingKey), /^1\./)

    const b = await instance(t, redis, { master: parseMasterKeys(`${fresh},${old}`) })
    await b.ring.start()
    t.strictSame(kidsOf(b), kidsOf(a))
    t.strictSame(b.rotations, [], 'sealing anew is no rotation')
    t.match(await redis.client.get(keyRingKey), /^2\./)

    await t.rejects(a.ring.refresh(), /sealed with master key 2; put/)
    t.equal(
      a.ring.signingKey().kid,
      b.ring.signingKey().kid,
      'an instance that cannot open it keeps what it has',
    )
    const c = await instance(t, redis, { master: parseMasterKeys(fresh) })
    await c.ring.start()
    t.strictSame(kidsOf(c), kidsOf(a), 'the old master key is no longer needed')
  })

  t.test('a ring that it cannot open is left alone, and stops the start', async (t) => {
    const a = await instance(t, redis)
    await a.ring.start()
    const sealed = String(await redis.client.get(keyRingKey))
    const stranger = await instance(t, redis, { master: parseMasterKeys(generateMasterKeys()) })
    await t.rejects(stranger.ring.start(), /altered, or sealed with another master key 1/)
    t.equal(await redis.client.get(keyRingKey), sealed)
  })

  t.test('who can write to Redis cannot plant a key', async (t) => {
    const a = await instance(t, redis)
    await a.ring.start()
    const [, body = ''] = String(await redis.client.get(keyRingKey)).split('.')
    const planted = [
      '[]',
      `1.${Buffer.from('[]'.repeat(20)).toString('base64url')}`,
      `1.${body.slice(0, -4)}AAAA`,
    ]
    for (const text of planted) {
      await redis.client.set(keyRingKey, text)
      await t.rejects(a.ring.refresh(), /countersign jwt key ring/)
      t.equal(kidsOf(a).length, 2)
    }
  })

  t.test('another algorithm: the next key has it, the old ones still verify', async (t) => {
    const old = await instance(t, redis, { nowMs, alg: 'EdDSA' })
    await old.ring.start()
    const { kid } = old.ring.signingKey()
    const changed = await instance(t, redis, { nowMs, alg: 'ES256' })
    await changed.ring.start()
    t.equal(changed.ring.signingKey().kid, kid, 'not before it was published')
    t.strictSame(
      changed.ring.jwks().keys.map(({ alg }) => alg),
      ['EdDSA', 'ES256'],
    )
    now += 600_000
    await changed.ring.refresh()
    t.equal(changed.ring.signingKey().alg, 'ES256')
    t.equal(changed.ring.verifyingKey(kid)?.alg, 'EdDSA')
    t.match(changed.rotations, [{ alg: 'ES256', previous: kid }])
  })

  t.test('HS256: the secret signs, nothing is published, nothing is stored', async (t) => {
    t.throws(() => createKeyRing({ ...ringDefaults(redis), alg: 'HS256' }), /secret/)
    const a = await instance(t, redis, { alg: 'HS256', secret })
    t.equal(a.ring.signingKey().alg, 'HS256', 'it needs no ring to sign')
    await a.ring.start()
    t.strictSame(a.ring.signingKey().signsWith, secret)
    t.strictSame(a.ring.jwks(), { keys: [] })
    t.equal(await redis.client.exists(keyRingKey), 0)
    t.strictSame(a.rotations, [])
  })

  t.test('from key pairs to HS256 and back: what was signed before still verifies', async (t) => {
    const pairs = await instance(t, redis, { nowMs })
    await pairs.ring.start()
    const { kid } = pairs.ring.signingKey()

    const shared = await instance(t, redis, { nowMs, alg: 'HS256', secret })
    await shared.ring.start()
    t.equal(shared.ring.signingKey().alg, 'HS256')
    t.equal(shared.ring.verifyingKey(kid)?.alg, 'EdDSA')
    t.strictSame(
      shared.ring.jwks().keys.map((jwk) => jwk.kid),
      [kid],
    )
    t.match(shared.rotations, [{ alg: 'HS256', kid: keyOfSecret(secret).kid, previous: kid }])

    const back = await instance(t, redis, { nowMs, secret })
    await back.ring.start()
    t.equal(back.ring.signingKey().alg, 'EdDSA')
    t.not(back.ring.signingKey().kid, kid)
    t.equal(back.ring.verifyingKey(shared.ring.signingKey().kid)?.alg, 'HS256')
  })

  t.test('tells the time of the store, not of this machine', async (t) => {
    const a = await instance(t, redis, { nowMs })
    t.ok(Math.abs(a.ring.now() - Date.now()) < 1_000, 'until it has been heard')
    await a.ring.start()
    t.ok(Math.abs(a.ring.now() - now) < 1_000)
  })
})

function ringDefaults(redis: TestRedis): KeyRingOptions {
  const records = createKeyRecords({ redis: redis.client })
  return { records, master, alg: 'EdDSA', periodMs: 1, lifeMs: 1, jwksMaxAgeMs: 1 }
}
