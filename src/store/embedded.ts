/**
 * The store that comes with the service when no `REDIS_URL` is given: a private Redis on a unix socket, with an
 * append-only file in a folder of its own. It is started again when it ends by itself, and it ends when we do.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { RedisBinary } from './redis-binary.js'
import { endOrphan, inUse } from './redis-orphan.js'
import { FolderInUse, launchRedis, type RedisProcess } from './redis-process.js'

/** `sockaddr_un` holds 108 bytes on Linux, 104 on macOS, with the closing zero. */
const LONGEST_SOCKET_PATH = 103
const LOADING_REPORT_MS = 500
const RELAUNCH_AFTER_MS = 200

export interface EmbeddedRedis {
  /** In the form of `REDIS_URL`. */
  readonly url: string
  /** Absolute path of its folder. */
  readonly dir: string
  readonly pid: number
  /** Ends the server in order, everything written to disk, and waits until it is gone. */
  stop(): Promise<void>
}

/** What a private server is told: reachable by its socket alone, keeping every write, losing none to eviction. */
export function privateServerArgs(dir: string, socket: string): string[] {
  return [
    ...['--dir', dir, '--port', '0', '--unixsocket', socket, '--unixsocketperm', '700'],
    ...['--daemonize', 'no', '--set-proc-title', 'no'],
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--maxmemory-policy', 'noeviction'],
  ]
}

/**
 * Starts Redis in `<dataDir>/redis` and resolves when it accepts commands, however long its file takes to load.
 *
 * @param options.args further server arguments; they win
 * @throws Error when another service is using the folder, or with the server's last words when it cannot start
 */
export async function startEmbeddedRedis(options: {
  dataDir: string
  binary: RedisBinary
  log: Pick<Logger, 'info' | 'error'>
  args?: readonly string[]
}): Promise<EmbeddedRedis> {
  const { binary, log } = options
  const dir = resolve(options.dataDir, 'redis')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await endOrphan(dir)
  const socket = await chooseSocket(dir)
  const args = [...privateServerArgs(dir, socket), ...(options.args ?? [])]
  const stopping = new AbortController()

  let server = await launch().catch(async (error) => {
    await removeSocketFolder(dir, socket)
    throw error instanceof FolderInUse ? new Error(inUse(dir, 'it holds the lock'), { cause: error }) : error
  })
  const supervision = supervise()

  async function launch(): Promise<RedisProcess> {
    const reports = setInterval(() => reportLoading(socket, log), LOADING_REPORT_MS)
    try {
      return await launchRedis(binary.path, dir, args)
    } finally {
      clearInterval(reports)
    }
  }

  async function supervise(): Promise<void> {
    let lastWords = await server.ended
    while (!stopping.signal.aborted) {
      log.error({ lastWords }, 'the embedded Redis ended by itself; starting it again')
      try {
        await delay(RELAUNCH_AFTER_MS, undefined, { signal: stopping.signal })
        server = await launch()
        if (stopping.signal.aborted) await server.stop()
        lastWords = await server.ended
      } catch (error) {
        lastWords = error instanceof Error ? error.message : String(error)
      }
    }
  }

  return {
    url: `unix://${socket.split('/').map(encodeURIComponent).join('/')}`,
    dir,
    get pid() {
      return server.pid
    },
    async stop() {
      stopping.abort()
      await server.stop()
      await supervision
      await removeSocketFolder(dir, socket)
    },
  }
}

/** In the folder, or, when its path is too long for a socket's address, in a short folder that only we may enter. */
async function chooseSocket(dir: string): Promise<string> {
  const inside = join(dir, 'redis.sock')
  if (Buffer.byteLength(inside) <= LONGEST_SOCKET_PATH) return inside
  return join(await mkdtemp(join(tmpdir(), 'countersign-')), 'redis.sock')
}

async function removeSocketFolder(dir: string, socket: string): Promise<void> {
  if (dirname(socket) !== dir) await rm(dirname(socket), { recursive: true, force: true })
}

/** Redis answers INFO while it loads. */
async function reportLoading(socket: string, log: Pick<Logger, 'info'>): Promise<void> {
  const client = new Redis({
    path: socket,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
  })
  client.on('error', () => {})
  try {
    const info = await client.info('persistence')
    const percent = /loading_loaded_perc:([\d.]+)/.exec(info)?.[1]
    const seconds = /loading_eta_seconds:(\d+)/.exec(info)?.[1]
    if (percent !== undefined)
      log.info(`Redis is loading its file: ${percent} %, about ${seconds ?? '?'} s to go`)
  } catch {
    // not listening yet: nothing to report
  } finally {
    client.disconnect()
  }
}
