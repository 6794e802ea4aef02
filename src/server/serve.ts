/** One process that answers requests: Redis, the service, the port, and what it says once it listens. */
import { join } from 'node:path'
import { buildService, type Service, type ServiceOptions } from '../app.js'
import type { Settings } from '../config.js'
import { connectRedis } from '../store/connect.js'
import { openMasterKeyFile } from '../token/master-key-file.js'
import { banner } from './banner.js'
import type { Leaving } from './leaving.js'
import { listen } from './listen.js'
import { prepareForLongLife } from './long-lived.js'

/** Where Redis is, when it is not the one that REDIS_URL names. */
export interface PrivateRedis {
  url: string
  /** In words. */
  described: string
}

export interface ServeOptions extends Pick<ServiceOptions, 'log' | 'gather'> {
  privateRedis: PrivateRedis | undefined
  leaving: Leaving
}

export interface Serving extends Service {
  /** Makes the first account and tells the person at the terminal, when nothing can fail before its password is shown. */
  welcome(): Promise<void>
}

/** @returns when it listens. @throws Error whose message is for the person who starts it */
export async function serve(settings: Settings, options: ServeOptions): Promise<Serving> {
  const { privateRedis, leaving, ...others } = options
  prepareForLongLife()
  const url = privateRedis?.url ?? settings.redisUrl
  if (url === undefined) throw new Error('no Redis')
  const connection = await connectRedis(url, others)
  leaving.opened.push(connection)
  const masterKeys = settings.masterKeys ?? (await openMasterKeyFile(join(settings.dataDir, 'keys')))
  const service = await buildService({
    config: { ...settings, masterKeys },
    redis: connection.client,
    ...others,
  })
  leaving.opened.push(service.app)
  leaving.announce(service.drain)
  const place = await listen(service.app, settings)
  const redis = `Redis ${connection.version}${privateRedis === undefined ? ` at ${connection.shown}` : `, ${privateRedis.described}`}`
  return {
    ...service,
    async welcome() {
      const admin = await service.accounts.ensureAdmin(settings.adminPassword)
      process.stdout.write(banner({ place, redis, admin }))
    },
  }
}
