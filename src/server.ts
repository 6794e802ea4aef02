#!/usr/bin/env node
/**
 * The process: reads the configuration, opens Redis, builds the service, listens, says how to use it, and leaves in
 * order: what was opened last is closed first.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import { buildService } from './app.js'
import { readConfig, type Settings } from './config.js'
import { banner } from './server/banner.js'
import { fetchFirstDatabase } from './server/first-location-database.js'
import { listen } from './server/listen.js'
import { connectRedis, type RedisConnection } from './store/connect.js'
import { startEmbeddedRedis } from './store/embedded.js'
import { findRedisBinary } from './store/redis-binary.js'
import { openMasterKeyFile } from './token/master-key-file.js'

/** What gateways get, on SIGTERM, to see on `/readyz` that they should send requests elsewhere; Ctrl-C does not wait. */
const DRAIN_MS = 1_000
/** More than a request in flight may take, and an embedded Redis to write its file. */
const CLOSE_WITHIN_MS = 25_000
/** npm repeats the Ctrl-C that the terminal has sent to us already: a second one so soon is the first. */
const SAME_SIGNAL_MS = 500

/** What the kernel says of a bug in the machine code. Who listens to these, returns into the bug, without end. */
const OF_BUGS = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const

const opened: { close: () => Promise<void> }[] = []
let announceLeaving = (): void => {}
let leaving = false

try {
  const settings = readConfig()
  const stream = process.stdout.isTTY
    ? pretty({ sync: true, ignore: 'pid,hostname' })
    : pino.destination({ sync: true })
  const log = pino({ level: settings.logLevel }, stream)
  leaveInOrder(log)
  const { connection, redis } = await openRedis(settings, log)
  opened.push(connection)
  const masterKeys = settings.masterKeys ?? (await openMasterKeyFile(join(settings.dataDir, 'keys')))
  const { app, accounts, drain } = await buildService({
    config: { ...settings, masterKeys },
    redis: connection.client,
    logger: { level: settings.logLevel, stream },
  })
  opened.push(app)
  announceLeaving = drain
  const place = await listen(app, settings)
  const admin = await accounts.ensureAdmin(settings.adminPassword) // when nothing can fail before its password is shown
  process.stdout.write(banner({ place, redis, admin }))
  if (settings.redisUrl === undefined) opened.push(fetchFirstDatabase({ ...settings, log }))
} catch (error) {
  if (leaving) await new Promise(() => {}) // what failed was taken away by the one who ends the process
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  await closeAll()
  process.exit(1)
}

/** @returns the connection, and in words which Redis it leads to */
async function openRedis(
  { redisUrl, dataDir }: Settings,
  log: Logger,
): Promise<{ connection: RedisConnection; redis: string }> {
  if (redisUrl !== undefined) {
    const connection = await connectRedis(redisUrl, { log })
    return { connection, redis: `Redis ${connection.version} at ${connection.shown}` }
  }
  const binary = await findRedisBinary(undefined, (line) => log.info(line))
  const embedded = await startEmbeddedRedis({ dataDir, binary, log })
  opened.push({ close: embedded.stop })
  const connection = await connectRedis(embedded.url, { log })
  return {
    connection,
    redis: `Redis ${connection.version}, private: ${binary.path}, data in ${embedded.dir}`,
  }
}

/** Ends the process with 0 on a signal and with 1 on an error, when everything is closed or the time is over. */
function leaveInOrder(log: Logger): void {
  let firstAt: number | undefined
  let drainMs = 0
  const grace = closeWithGrace(
    { delay: CLOSE_WITHIN_MS, logger: log, skip: ['SIGINT', 'SIGTERM', ...OF_BUGS] },
    async ({ err }) => {
      if (err !== undefined) log.fatal({ err }, 'an unexpected error')
      leaving = true
      announceLeaving()
      await delay(drainMs)
      await closeAll()
    },
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (firstAt !== undefined && performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(1)
      if (firstAt !== undefined) return
      firstAt = performance.now()
      if (signal === 'SIGTERM') drainMs = DRAIN_MS
      log.info(`stopping on ${signal}; once more to stop at once`)
      grace.close()
    })
}

async function closeAll(): Promise<void> {
  for (const last of opened.splice(0).reverse()) await last.close()
}
