/** One instance of the service, of several on one Redis, without the search for secrets, which a load would make long. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { AuditedAccounts } from '../../src/accounts/audited.js'
import { buildService } from '../../src/app.js'
import { type Config, readConfig } from '../../src/config.js'
import { connectRedis, type RedisClient } from '../../src/store/connect.js'

export interface Instance {
  app: FastifyInstance
  /** `http://127.0.0.1:<port>` */
  url: string
  accounts: AuditedAccounts
  config: Config
  connection: RedisClient
  /** Closes it as the server does: first the port, then Redis. */
  stop(): Promise<void>
}

/** @param env where Redis is (`REDIS_URL`), the keys (`COUNTERSIGN_KEYS`), and what else is not the default */
export async function startInstance(t: Test, env: Readonly<Record<string, string>>): Promise<Instance> {
  const { masterKeys, redisUrl, ...settings } = readConfig(env)
  if (masterKeys === undefined || redisUrl === undefined) throw new Error('REDIS_URL and COUNTERSIGN_KEYS')
  const quiet = { info() {}, warn() {} }
  const { client, close } = await connectRedis(redisUrl, { log: quiet })
  const config = { ...settings, masterKeys, redisUrl }
  const { app, accounts } = await buildService({ config, redis: client, log: pino({ level: 'silent' }) })
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= app.close().then(close)
    return stopped
  }
  t.teardown(stop)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return {
    app,
    url: `http://127.0.0.1:${port}`,
    accounts,
    config,
    connection: client,
    stop,
  }
}
