/**
 * Who is locked out when Redis dies, loses its last writes or changes masters under load: clients who come back with the
 * last token that they received, and are refused. Counted for this service, and, in the same runs on the same Redis, for
 * the usual design (`support/stored-hash.ts`), so that a run that endangers nobody does not pass for a proof.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { Config } from '../src/config.js'
import { createAccountStore } from '../src/store/accounts.js'
import { eventsKey, placeOf } from '../src/store/keys.js'
import { createSessionStore } from '../src/store/sessions.js'
import { createCountersigner } from '../src/token/countersign.js'
import { generateMasterKeys } from '../src/token/master-keys.js'
import { browsers, type Client, countLockedOut, type Held, startLoad } from './support/clients-under-load.js'
import { type Instance, startInstance } from './support/instance.js'
import { cutPower, noteFsync } from './support/power-cut.js'
import { startRedis } from './support/redis.js'
import { startSentinels, until } from './support/redis-groups.js'
import { ada } from './support/service.js'
import { defineStoredHash, openStoredHashClients } from './support/stored-hash.js'

const CLIENTS = 1_000
const INSTANCES = 2
const UNDER_LOAD_MS = 500
const DAY_MS = 86_400_000

const everyRequest = { name: 'every request', env: { COUNTERSIGN_ROTATION: 'sequential' } }
const afterGap = {
  name: 'after 250 ms',
  env: { COUNTERSIGN_ROTATE_AFTER: '250 ms', COUNTERSIGN_LEEWAY: '500 ms' },
}
type Rotation = typeof everyRequest | typeof afterGap

interface Row {
  fault: string
  rotation: string
  storedHash: number
  countersigned: number
  /** Sessions that moved on because of what the token proved, and because of what an instance remembered. */
  healed: { byToken: number; byMemory: number }
}
const table: Row[] = []

/** Instances of the service on one Redis, and the clients of both designs. */
interface Scene {
  ours: Client[]
  others: Client[]
  /** All instances end; others take their place. */
  replaceInstances(rotation: Rotation): Promise<void>
  stopInstances(): Promise<void>
  /** Signs the comparator's clients in again, who were locked out. */
  reopenOthers(): Promise<void>
}

/** @param patient what opens the sessions; it waits as long as it takes */
async function open(t: Test, redisUrl: string, patient: Redis, rotation: Rotation): Promise<Scene> {
  const keys = generateMasterKeys()
  let instances: Instance[] = []

  async function start({ env }: Rotation): Promise<void> {
    const wanted = {
      ...env,
      REDIS_URL: redisUrl,
      COUNTERSIGN_KEYS: keys,
    }
    instances = await Promise.all(Array.from({ length: INSTANCES }, () => startInstance(t, wanted)))
    for (const { connection } of instances) defineStoredHash(connection)
  }
  function one(): Instance {
    const [first] = instances
    if (first === undefined) throw new Error('no instance')
    return first
  }
  const openOthers = () =>
    openStoredHashClients(CLIENTS, patient, () => one().connection, one().config.rotation)

  await start(rotation)
  const urls = () => instances.map(({ url }) => url)
  const scene: Scene = {
    ours: browsers(await openSessions(patient, one().config), urls),
    others: await openOthers(),
    async stopInstances() {
      await Promise.all(instances.map(({ stop }) => stop()))
    },
    async replaceInstances(next) {
      await scene.stopInstances()
      await start(next)
    },
    async reopenOthers() {
      scene.others = await openOthers()
    },
  }
  return scene
}

/** As signing in does, without the password, a thousand times. */
async function openSessions(redis: Redis, { masterKeys, rotation }: Config): Promise<Held[]> {
  const { uid, provider, email } = ada
  const account = { uid, provider, email, attributes: {}, roles: [] }
  await createAccountStore({ redis }).create(account, undefined)
  const store = createSessionStore({ redis, rotation })
  const countersigner = createCountersigner(masterKeys)
  const life = { idleMs: DAY_MS, absoluteMs: DAY_MS, maxSessions: CLIENTS }
  return Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const claim = countersigner.begin(placeOf(uid).tag, 1)
      const { tag, handle } = claim
      const { verdict } = await store.open({ tag, handle, uid, kind: 'rotating', scopes: [], life })
      if (verdict !== 'opened') throw new Error(verdict)
      return { 'access-token': countersigner.mint(claim, claim.n, 0), client: handle, uid }
    }),
  )
}

/** Each client of ours beside one of the comparator's, at the same pace. */
function inPairs({ ours, others }: Scene): Client[] {
  return ours.map((one, index) => ({
    async come() {
      const verdict = await one.come()
      const other = await others[index]?.come()
      return other === 'unavailable' ? other : verdict
    },
  }))
}

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
  const healed = { byToken: count('session.fast-forwarded'), byMemory: count('session.repaired') }
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
      t.ok(
        row.healed.byToken > 0,
        'and the tokens of ours prove what Redis forgot',
      )
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
