/** Redis servers that belong together, on loopback ports: a replicated pair watched by Sentinels, and a Cluster. */

import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { findRedisBinary } from '../../src/store/redis-binary.js'
import { launchRedis } from '../../src/store/redis-process.js'
import { inCheckout } from './checkout.js'
import { type Ending, startRedis, type TestRedis } from './redis.js'

/**
 * @returns loopback ports that were free a moment ago, all different. They lie below those that the system gives to
 * whoever names none, so that they stay free until they are used.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  while (servers.length < count) {
    const server = createServer().listen(randomInt(10_000, 32_768), '127.0.0.1')
    if (await isListening(server)) servers.push(server)
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

const isListening = (server: Server): Promise<boolean> =>
  once(server, 'listening').then(
    () => true,
    () => false, // somebody else has it
  )

/** Polls until `condition` holds. @throws Error when it still does not after `withinMs` */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`still not: ${what}`)
    await delay(20)
  }
}

export interface Sentinels {
  /** What `REDIS_URL` would be. */
  url: string
  master: TestRedis
  replica: TestRedis
  /** A client of the first Sentinel. */
  sentinel: Redis
}

/** A master, its replica and three Sentinels that agree on it as `main`, ready for a failover. */
export async function startSentinels(t: Test): Promise<Sentinels> {
  const [masterPort, replicaPort, ...sentinelPorts] = await freePorts(5)
  const onPort = (port: number | undefined): string[] => ['--bind', '127.0.0.1', '--port', String(port)]
  const master = await startRedis(t, { args: onPort(masterPort) })
  const quickly = ['--repl-diskless-sync-delay', '0', '--replicaof', `127.0.0.1 ${masterPort}`]
  const replica = await startRedis(t, { args: [...onPort(replicaPort), ...quickly] })
  const { path } = await findRedisBinary(inCheckout('.cache/redis'))
  for (const port of sentinelPorts) {
    const dir = await mkdtemp(join(tmpdir(), 'cs-sentinel-'))
    const file = join(dir, 'sentinel.conf')
    await writeFile(
      file,
      `bind 127.0.0.1\nport ${port}\ndir ${dir}\nsentinel monitor main 127.0.0.1 ${masterPort} 2
sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n`,
    )
    const sentinel = await launchRedis(path, dir, [file, '--sentinel'], /Sentinel ID is/)
    t.teardown(async () => {
      await sentinel.stop()
      await rm(dir, { recursive: true, force: true })
    })
  }
  const sentinel = new Redis({ host: '127.0.0.1', port: sentinelPorts[0] ?? 0, maxRetriesPerRequest: null })
  sentinel.on('error', () => {})
  t.teardown(() => sentinel.disconnect())
  await until('the replica follows', async () => (await replica.client.role())[3] === 'connected')
  await until('the Sentinels know each other and the replica', async () => {
    const state = String(await sentinel.info('sentinel'))
    return state.includes('slaves=1') && state.includes('sentinels=3')
  })
  return {
    url: `redis+sentinel://${sentinelPorts.map((port) => `127.0.0.1:${port}`)}/main`,
    master,
    replica,
    sentinel,
  }
}

export interface TestCluster {
  /** What `REDIS_URL` would be. */
  url: string
  masters: TestRedis[]
}

const SLOTS = 16_384

/** Three masters, all slots covered. */
export async function startCluster(t: Ending): Promise<TestCluster> {
  const ports = await freePorts(6)
  const places = [0, 1, 2].map((index) => ({ port: ports[index] ?? 0, busPort: ports[index + 3] ?? 0 }))
  const masters = await Promise.all(
    places.map(({ port, busPort }) =>
      startRedis(t, {
        args: [
          ...['--bind', '127.0.0.1', '--port', String(port), '--cluster-port', String(busPort)],
          ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'],
          ...['--cluster-require-full-coverage', 'no'],
        ],
      }),
    ),
  )
  for (const [index, { client }] of masters.entries()) {
    const first = Math.ceil((SLOTS * index) / 3)
    const last = Math.ceil((SLOTS * (index + 1)) / 3) - 1
    await client.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last))
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
    for (const { port, busPort } of places.slice(0, index))
      await client.call('CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort))
  }
  await until('all masters see the whole cluster', async () => {
    const states = await Promise.all(masters.map(({ client }) => client.call('CLUSTER', 'INFO')))
    return states.every((state) => /cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(String(state)))
  })
  return { url: `redis+cluster://${places.map(({ port }) => `127.0.0.1:${port}`)}`, masters }
}
