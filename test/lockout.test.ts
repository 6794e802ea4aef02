/**
 * Who is locked out when Redis dies, loses its last writes or changes masters under load: clients who come back with the
 * last token that they received, and are refused. Counted for this service, and, in the same runs on the same Redis, for
 * the usual design (`support/stored-hash.ts`), so that a run that endangers nobody does not pass for a proof.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { eventsKey } from '../src/store/keys.js'
import { afterGap, CLIENTS, everyRequest, inPairs, open, type Rotation, type Scene } from './lockout/scene.js'
import { countLockedOut, startLoad } from './support/clients-under-load.js'
import { cutPower, noteFsync } from './support/power-cut.js'
import { startRedis } from './support/redis.js'
import { startSentinels, until } from './support/redis-groups.js'

const UNDER_LOAD_MS = 500

interface Row {
  fault: string
  rotation: string
  storedHash: number
  countersigned: number
  /** Sessions that moved on because of what the token proved, and because of what an instance remembered. */
  healed: { byToken: number; byMemory: number }
}
const table: Row[] = []

function underLoad(t: Test, scene: Scene): () => Promise<void> {
  const stop = startLoad(inPairs(scene))
  t.teardown(stop)
  return stop
}

async function report(t: Test, scene: Scene, redis: Redis, fault: string, rotation: Rotation): Promise<Row> {
  const countersigned = await countLockedOut(scene.ours)
  const storedHash = await countLockedOut(scene.others)
  t.equal(await countLockedOut(scene.ours), countersigned, 'nor is anybody later')
  const events = await redis.xrange(eventsKey, '-', '+')
  const count = (type: string) => events.filter(([, fields]) => fields.includes(type)).length
  const healed = { byToken: count('session.fast_forwarded'), byMemory: count('session.repaired') }
  await redis.del(eventsKey)
  const row = { fault, rotation: rotation.name, storedHash, countersigned, healed }
  table.push(row)
  return row
}

t.test('killed, and without its last second', async (t) => {
  const redis = await startRedis(t, { args: ['--auto-aof-rewrite-percentage', '0'] })
  const scene = await open(t, redis.url, redis.client, everyRequest)

  await t.test('kill -9 and restart under load', async (t) => {
    const stopLoad = underLoad(t, scene)
    await delay(UNDER_LOAD_MS)
    await redis.kill()
    await redis.restart()
    await delay(UNDER_LOAD_MS)
    await stopLoad()
    const row = await report(t, scene, redis.client, 'kill -9', everyRequest)
    t.equal(row.countersigned, 0)
    t.equal(row.storedHash, 0, 'what is written survives the process, in either design')
  })

  for (const rotation of [everyRequest, afterGap])
    await t.test(`power cut, rotating ${rotation.name}`, async (t) => {
      await scene.replaceInstances(rotation)
      await scene.reopenOthers()
      const stopLoad = underLoad(t, scene)
      await delay(UNDER_LOAD_MS)
      const onDisk = await noteFsync(redis)
      const unsyncedMs = Math.round(300 + 700 * Math.random())
      await delay(unsyncedMs)
      const lostBytes = await cutPower(redis, onDisk)
      await stopLoad()
      await scene.stopInstances()
      await redis.restart()
      await scene.replaceInstances(rotation)
      t.comment(`the last ${unsyncedMs} ms were not on disk: ${lostBytes} bytes`)
      const row = await report(t, scene, redis.client, `power cut¹ (${unsyncedMs} ms)`, rotation)
      t.equal(row.countersigned, 0)
      t.ok(row.storedHash > 0, 'the cut was one: the comparator loses clients')
      t.ok(row.healed.byToken > 0, 'and the tokens of ours prove what Redis forgot')
    })
})

t.test('a planned failover by Sentinel', async (t) => {
  const { url, master, replica, sentinel } = await startSentinels(t)
  const scene = await open(t, url, master.client, everyRequest)
  const stopLoad = underLoad(t, scene)
  await delay(UNDER_LOAD_MS)
  await sentinel.call('SENTINEL', 'FAILOVER', 'main')
  await until('the replica is master', async () => (await replica.client.role())[0] === 'master')
  // Sentinel lets the old master go on for eight seconds. What it is told from now on is lost.
  const isLeft = async () => !String(await master.client.client('LIST')).includes('name=countersign')
  await until('everybody has left the old master', isLeft, 20_000)
  await delay(UNDER_LOAD_MS)
  await stopLoad()
  const row = await report(t, scene, replica.client, 'planned Sentinel failover', everyRequest)
  t.equal(row.countersigned, 0)
  t.ok(row.storedHash > 0, 'writes were lost: the comparator loses clients')
})

t.test('the table', async (t) => {
  t.equal(table.length, 4)
  const lines = [
    [
      'fault',
      'rotation',
      'clients',
      'stored hash: locked out',
      'countersigned: locked out',
      'fast-forwards²',
    ],
    ['-', '-', '-', '-', '-', '-'],
    ...table.map(({ fault, rotation, storedHash, countersigned, healed }) => [
      fault,
      rotation,
      CLIENTS,
      storedHash,
      countersigned,
      `${healed.byToken} + ${healed.byMemory}`,
    ]),
  ]
  for (const cells of lines) t.comment(`| ${cells.join(' | ')} |`)
  t.comment('¹ emulated worst case: everything since the last fsync is cut off the file; no plug was pulled.')
  t.comment('² proved by the token, and remembered by an instance that survived.')
})
