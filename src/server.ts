#!/usr/bin/env node
/**
 * The process that is started: it reads the configuration, opens what all share, and then answers requests itself or,
 * when there shall be several, through workers.
 */
import { join } from 'node:path'
import type { Logger } from 'pino'
import { readConfig, type Settings } from './config.js'
import { fetchFirstDatabase } from './server/first-location-database.js'
import { type Leaving, prepareLeaving, reasonOf } from './server/leaving.js'
import { removeIfStale } from './server/listen.js'
import { openLog } from './server/log.js'
import type { PrivateRedis } from './server/serve.js'
import { handled, leaveOnSignals } from './server/signals.js'
import { startEmbeddedRedis } from './store/embedded.js'
import { findRedisBinary } from './store/redis-binary.js'
import { openMasterKeyFile } from './token/master-key-file.js'

const say = (why: string): unknown => process.stderr.write(`${why}\n`)

const settings = readOrExit()
const log = await openLog(settings)
const several = settings.workers > 1
const leaving = prepareLeaving(log, several ? [...handled, 'SIGUSR2'] : handled)
leaveOnSignals(leaving, log)
let restart = async (): Promise<void> => {}
if (several) process.on('SIGUSR2', () => restart())

try {
  const privateRedis =
    settings.redisUrl === undefined ? await startPrivateRedis(settings, leaving, log) : undefined
  // Made before there are several who would make it.
  if (settings.masterKeys === undefined) await openMasterKeyFile(join(settings.dataDir, 'keys'))
  if (settings.socketPath !== undefined) await removeIfStale(settings.socketPath)
  const common = { privateRedis, leaving, log }
  // A primary has no need of the service.
  if (several) {
    const { startWorkers } = await import('./server/primary.js')
    const primary = await startWorkers({ ...common, workers: settings.workers })
    restart = primary.restart
    await primary.welcome()
  } else {
    const { serve } = await import('./server/serve.js')
    await (await serve(settings, common)).welcome()
  }
  if (privateRedis !== undefined) leaving.opened.push(fetchFirstDatabase({ ...settings, log }))
} catch (error) {
  await leaving.failed(error, say)
}

function readOrExit(): Settings {
  try {
    return readConfig()
  } catch (error) {
    say(reasonOf(error))
    process.exit(1)
  }
}

async function startPrivateRedis(
  { dataDir }: Settings,
  leaving: Leaving,
  log: Logger,
): Promise<PrivateRedis> {
  const binary = await findRedisBinary(undefined, (line) => log.info(line))
  const { url, dir, stop } = await startEmbeddedRedis({ dataDir, binary, log })
  leaving.opened.push({ close: stop })
  return { url, described: `private: ${binary.path}, data in ${dir}` }
}
