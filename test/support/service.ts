/** A whole service for tests, on a Redis of its own, listening on loopback; ended with the test, and then searched for leaks. */
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { Account } from '../../src/account.js'
import type { NewAccount } from '../../src/accounts/accounts.js'
import type { AuditedAccounts } from '../../src/accounts/audited.js'
import { buildService, type Service, type ServiceOptions } from '../../src/app.js'
import { type Config, readConfig } from '../../src/config.js'
import type { Actor } from '../../src/event.js'
import { connectRedis, type RedisClient } from '../../src/store/connect.js'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { startRedis, type TestRedis } from './redis.js'
import { type Secrets, watchSecrets } from './secrets.js'

export interface TestService {
  app: FastifyInstance
  port: number
  /** `http://127.0.0.1:<port>` */
  url: string
  config: Config
  accounts: AuditedAccounts
  /** From outside: kill it, freeze it, look into it. */
  redis: TestRedis
  /** The service's own connection. */
  connection: RedisClient
  secrets: Secrets
  drain(): void
  /** Creates `ada` of this file, or somebody else; its password is guarded. */
  addAccount(account?: NewAccount): Promise<Account>
  /** Signs in over HTTP, as `ada` of this file unless told otherwise. */
  signIn(login?: string, password?: string): Promise<SignedIn>
  /** Runs `use`, which uses sessions, and waits until nothing of that is left to be written: then all is quiet. */
  noted<T>(use: () => Promise<T>): Promise<T>
}

/** What a client keeps after signing in. */
export interface SignedIn {
  token: string
  handle: string
  uid: string
  /** Seconds since the epoch. */
  expiry: number
  /** The three that authenticate a request. */
  headers: { 'access-token': string; client: string; uid: string }
}

export const ada = {
  uid: 'ada@example.com',
  email: 'ada@example.com',
  provider: 'email',
  password: 'correct horse battery',
} as const satisfies NewAccount

/** Who acts when a test calls the service's own functions. */
export const operator: Actor = { uid: undefined, ip: '127.0.0.1', userAgent: 'test' }

export interface TestServiceOptions {
  /** Environment variables beyond where Redis is and the keys. */
  env?: Readonly<Record<string, string>>
  /** One that several services share. */
  redis?: TestRedis
  pushReach?: ServiceOptions['pushReach']
}

export async function startService(t: Test, options: TestServiceOptions = {}): Promise<TestService> {
  const secrets = watchSecrets()
  let leaks: string[] = []
  // Teardowns run last to first, and one that throws ends them: this one is the last.
  t.teardown(() => {
    if (leaks.length > 0) throw new Error(leaks.join('\n'))
  })
  const redis = options.redis ?? (await startRedis(t))
  const config = configure(redis.url, options.env ?? {}, secrets)

  const note = (...about: unknown[]): void => secrets.log.write(JSON.stringify(about))
  const { client, close } = await connectRedis(redis.url, { log: { info: note, warn: note } })
  const log = pino({ level: 'trace' }, secrets.log)
  const pushReach = options.pushReach ?? {}
  const { app, accounts, drain, figures } = await buildService({ config, redis: client, log, pushReach })
  secrets.listenTo(app)
  t.teardown(async () => {
    redis.thaw()
    await app.close()
    await close()
    leaks = await secrets.findLeaks(redis.dir)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo

  return {
    app,
    port,
    url: `http://127.0.0.1:${port}`,
    config,
    accounts,
    redis,
    connection: client,
    secrets,
    drain,

    async addAccount(account = ada) {
      if (account.password !== undefined) secrets.guard(account.password)
      const created = await accounts.create(account, operator)
      if (!created.ok) throw new Error(`${account.uid} was not created: ${JSON.stringify(created)}`)
      return created.account
    },

    async signIn(login = ada.uid, password = ada.password) {
      secrets.guard(password)
      const payload = { email: login, password }
      const { headers, statusCode, body } = await app.inject({
        method: 'POST',
        url: '/auth/sign_in',
        payload,
      })
      const { 'access-token': token, client: handle, uid, expiry } = headers
      if (typeof token !== 'string' || typeof handle !== 'string' || typeof uid !== 'string')
        throw new Error(`${login} did not sign in: ${statusCode} ${body}`)
      return {
        token,
        handle,
        uid,
        expiry: Number(expiry),
        headers: { 'access-token': token, client: handle, uid },
      }
    },

    async noted(use) {
      const result = await use()
      while ((await usesWaiting(figures)) > 0) await delay(20)
      return result
    },
  }
}

async function usesWaiting(figures: Service['figures']): Promise<number> {
  const metric = (await figures()).find(({ name }) => name === 'countersign_uses_waiting')
  if (metric === undefined) throw new Error('no such metric')
  return metric.values.reduce((sum, { value }) => sum + value, 0)
}

function configure(redisUrl: string, env: Readonly<Record<string, string>>, secrets: Secrets): Config {
  const keys = env.COUNTERSIGN_KEYS ?? generateMasterKeys()
  const { masterKeys, ...settings } = readConfig({ REDIS_URL: redisUrl, ...env, COUNTERSIGN_KEYS: keys })
  if (masterKeys === undefined) throw new Error('no master keys')
  for (const key of masterKeys.byId.values()) secrets.guard(key)
  return { ...settings, masterKeys }
}
