/** A thousand clients of this service, each beside one of the usual design, on the same instances and the same Redis. */
import type { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { Config } from '../../src/config.js'
import { createAccountStore } from '../../src/store/accounts.js'
import { placeOf } from '../../src/store/keys.js'
import { createSessionStore } from '../../src/store/sessions.js'
import { createCountersigner } from '../../src/token/countersign.js'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { browsers, type Client, type Held } from '../support/clients-under-load.js'
import { type Instance, startInstance } from '../support/instance.js'
import { ada } from '../support/service.js'
import { defineStoredHash, openStoredHashClients } from '../support/stored-hash.js'

export const CLIENTS = 1_000
const INSTANCES = 2
const DAY_MS = 86_400_000

export const everyRequest = { name: 'every request', env: { COUNTERSIGN_ROTATION: 'sequential' } }
export const afterGap = {
  name: 'after 250 ms',
  env: { COUNTERSIGN_ROTATE_AFTER: '250 ms', COUNTERSIGN_LEEWAY: '500 ms' },
}
export type Rotation = typeof everyRequest | typeof afterGap

/** Instances of the service on one Redis, and the clients of both designs. */
export interface Scene {
  ours: Client[]
  others: Client[]
  /** All instances end; others take their place. */
  replaceInstances(rotation: Rotation): Promise<void>
  stopInstances(): Promise<void>
  /** Signs the comparator's clients in again, who were locked out. */
  reopenOthers(): Promise<void>
}

/** @param patient what opens the sessions; it waits as long as it takes */
export async function open(t: Test, redisUrl: string, patient: Redis, rotation: Rotation): Promise<Scene> {
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
export function inPairs({ ours, others }: Scene): Client[] {
  return ours.map((one, index) => ({
    async come() {
      const verdict = await one.come()
      const other = await others[index]?.come()
      return other === 'unavailable' ? other : verdict
    },
  }))
}
