/** Real Redis servers for tests: private, on a unix socket in a temporary folder, ended with the test however it ends. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { privateServerArgs } from '../../src/store/embedded.js'
import { findRedisBinary } from '../../src/store/redis-binary.js'
import { launchRedis } from '../../src/store/redis-process.js'
import { inCheckout } from './checkout.js'

export interface TestRedis {
  /** What `REDIS_URL` would be. */
  readonly url: string
  readonly socket: string
  readonly dir: string
  readonly pid: number
  /** A plain client to look inside with; it queues commands while the server is away. */
  readonly client: Redis
  /** SIGKILL, and gone when it resolves. */
  kill(): Promise<void>
  /** Starts it again on the same folder, ending it in order first if it still runs. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open, nothing answers. */
  freeze(): void
  thaw(): void
}

/** Whatever ends: a test, usually. */
export type Ending = Pick<Test, 'teardown'>

/** @param options.args further `redis-server` arguments; they win over the defaults (append-only file, no eviction) */
export async function startRedis(t: Ending, options: { args?: readonly string[] } = {}): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'cs-redis-'))
  const socket = join(dir, 'redis.sock')
  const { path } = await findRedisBinary(inCheckout('.cache/redis'))
  const args = [...privateServerArgs(dir, socket), ...(options.args ?? [])]
  let server = await launchRedis(path, dir, args)
  const client = new Redis({ path: socket, maxRetriesPerRequest: null, retryStrategy: () => 50 })
  client.on('error', () => {}) // expected while the server is away
  t.teardown(async () => {
    client.disconnect()
    await kill()
    await rm(dir, { recursive: true, force: true })
  })

  async function kill(): Promise<void> {
    signal('SIGKILL')
    await server.ended
  }

  function signal(name: NodeJS.Signals): void {
    try {
      process.kill(server.pid, name)
    } catch {} // it has ended
  }

  return {
    url: `unix://${socket}`,
    socket,
    dir,
    client,
    get pid() {
      return server.pid
    },
    kill,
    async restart() {
      await server.stop()
      server = await launchRedis(path, dir, args)
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
  }
}
