/** The private Redis of a run, and what it says about itself. */
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { privateServerArgs } from '../src/store/embedded.js'
import { findRedisBinary } from '../src/store/redis-binary.js'
import { launchRedis } from '../src/store/redis-process.js'

/** Counters since the start; what asking for them costs is in them. */
export interface Counters {
  /** User and system time of the server process, microseconds. */
  cpuMicros: number
  /** Reads from sockets. With one request at a time, each is the arrival of one round trip. */
  reads: number
  bytesIn: number
  bytesOut: number
  /** Executions by command name; those inside scripts count too. */
  calls: Readonly<Record<string, number>>
}

export interface BenchRedis {
  /** In the form of `REDIS_URL`. */
  readonly url: string
  readonly version: string
  counters(): Promise<Counters>
  /** Forgets every key. */
  clear(): Promise<void>
  stop(): Promise<void>
}

/** Starts a server as the service would start its own: unix socket, append-only file. */
export async function startBenchRedis(dir: string, cacheDir: string): Promise<BenchRedis> {
  const binary = await findRedisBinary(cacheDir, (line) => console.error(line))
  const socket = join(dir, 'redis.sock')
  const server = await launchRedis(binary.path, dir, privateServerArgs(dir, socket))
  const client = new Redis({ path: socket })
  return {
    url: `unix://${socket}`,
    version: binary.version,
    async counters() {
      return readCounters(await client.info('cpu', 'stats', 'commandstats'))
    },
    async clear() {
      await client.flushall()
    },
    async stop() {
      client.disconnect()
      await server.stop()
    },
  }
}

/** @param info what Redis says of `cpu`, `stats` and `commandstats` */
export function readCounters(info: string): Counters {
  const field = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1])
  const calls = info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
  return {
    cpuMicros: Math.round(1e6 * (field('used_cpu_user') + field('used_cpu_sys'))),
    reads: field('total_reads_processed'),
    bytesIn: field('total_net_input_bytes'),
    bytesOut: field('total_net_output_bytes'),
    calls: Object.fromEntries([...calls].map(([, name, count]) => [name, Number(count)])),
  }
}

/** @returns what happened between two readings, without the reading itself */
export function difference(before: Counters, after: Counters): Counters {
  const names = Object.keys(after.calls).filter((name) => name !== 'info')
  const calls = names.map((name) => [name, (after.calls[name] ?? 0) - (before.calls[name] ?? 0)] as const)
  return {
    cpuMicros: after.cpuMicros - before.cpuMicros,
    reads: after.reads - before.reads - 1,
    bytesIn: after.bytesIn - before.bytesIn,
    bytesOut: after.bytesOut - before.bytesOut,
    calls: Object.fromEntries(calls.filter(([, count]) => count > 0)),
  }
}
