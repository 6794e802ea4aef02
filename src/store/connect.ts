/**
 * Opens Redis from one URL: standalone, TLS, unix socket, Sentinel or Cluster. However Redis fails, nothing is queued while it is
 * away, and it is tried again after a quarter of a second at most, so that service returns with it. For how long a call is waited
 * for, `patience.ts` says.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Cluster, type CommonRedisOptions, Redis, ReplyError } from 'ioredis'
import type { Logger } from 'pino'
import { close, disconnect } from './disconnect.js'
import { parseRedisUrl, type RedisTarget } from './redis-url.js'
import { judgeServer } from './suitability.js'

export type RedisClient = Redis | Cluster
type Log = Pick<Logger, 'info' | 'warn'>

export interface RedisConnection {
  client: RedisClient
  /** The URL without its secrets. */
  shown: string
  version: string
  /** Lets commands in flight finish if they do so quickly. */
  close(): Promise<void>
}

/**
 * A connection that has owed an answer for so long is given up, lest its queue grow without bound; until a new one is
 * answered, requests are refused at once. Well above `PATIENCE_MS`: here a stall of our own is taken for silence.
 */
const SILENCE_MS = 1_000
const CONNECT_TIMEOUT_MS = 1_000
const LONGEST_RETRY_MS = 250
const READONLY_RECONNECT_MS = 1_000

/**
 * Connects, waits until Redis is ready, and makes sure that it may hold sessions.
 *
 * @param url in a form of `REDIS_URL`
 * @throws Error naming `REDIS_URL`, without its secrets, when it is wrong, does not answer or is unsuitable
 */
export async function connectRedis(
  url: string,
  { log, withinMs = 10_000 }: { log: Log; withinMs?: number },
): Promise<RedisConnection> {
  const target = parseRedisUrl(url)
  const client = open(target)
  reportChanges(client, target.shown, log)
  const deadline = performance.now() + withinMs
  try {
    await untilReady(client, withinMs)
    const version = await makeSure(client, log, deadline)
    return { client, shown: target.shown, version, close: () => close(client) }
  } catch (error) {
    disconnect(client)
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`REDIS_URL (${target.shown}): ${reason}`, { cause: error })
  }
}

const retryDelayMs = (attempt: number): number => Math.min(attempt * 25, LONGEST_RETRY_MS)

function open(target: RedisTarget): RedisClient {
  const common = {
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(target.tls === undefined ? {} : { tls: trust(target.tls) }),
    db: target.db,
    connectionName: 'countersign',
    disableClientInfo: true,
    socketTimeout: SILENCE_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: 10_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    maxLoadingRetryTime: LONGEST_RETRY_MS,
    retryStrategy: retryDelayMs,
    reconnectOnError: onReadOnly(),
  } satisfies CommonRedisOptions & { db: number }
  switch (target.kind) {
    case 'standalone':
      return new Redis({ ...common, ...target.node })
    case 'unix':
      return new Redis({ ...common, path: target.path })
    case 'sentinel': {
      const { username, password } = target.sentinelAuth
      return new Redis({
        ...common,
        sentinels: target.sentinels,
        name: target.name,
        ...(username === undefined ? {} : { sentinelUsername: username }),
        ...(password === undefined ? {} : { sentinelPassword: password }),
        ...(common.tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: common.tls }),
        sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
        sentinelRetryStrategy: retryDelayMs,
        failoverDetector: true,
      })
    }
    case 'cluster':
      return new Cluster(target.nodes, {
        redisOptions: common,
        enableOfflineQueue: false,
        clusterRetryStrategy: retryDelayMs,
        /** Under TLS, certificates name hosts; elsewhere it makes no difference. */
        dnsLookup: (address, callback) => callback(null, address),
        maxRedirections: 5,
        retryDelayOnFailover: 50,
        retryDelayOnClusterDown: 50,
        retryDelayOnTryAgain: 50,
        slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
      })
  }
}

const trust = ({ ca }: { ca: string | undefined }) => (ca === undefined ? {} : { ca: readFileSync(ca) })

/** After a failover the connection may lead to what is a replica now; a new one may find the master. */
function onReadOnly(): (error: Error) => boolean {
  let lastMs = Number.NEGATIVE_INFINITY
  return (error) => {
    if (!error.message.startsWith('READONLY') || performance.now() - lastMs < READONLY_RECONNECT_MS)
      return false
    lastMs = performance.now()
    return true
  }
}

/** One line when Redis goes away and one when it is back, however many attempts lie between. */
function reportChanges(client: RedisClient, shown: string, log: Log): void {
  let state: 'new' | 'up' | 'down' = 'new'
  const down = (reason: string): void => {
    if (state !== 'down') log.warn({ redis: shown, reason }, 'Redis is not available')
    state = 'down'
  }
  client.on('error', (error: unknown) => down(reasonOf(error)))
  client.on('reconnecting', () => down('the connection was closed'))
  client.on('ready', () => {
    if (state === 'down') log.info({ redis: shown }, 'Redis is available again')
    state = 'up'
  })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const ofNode = 'lastNodeError' in error ? error.lastNodeError : undefined
  if (ofNode instanceof Error) return reasonOf(ofNode)
  return error instanceof AggregateError ? error.errors.map(reasonOf).join(', ') : error.message
}

async function untilReady(client: RedisClient, withinMs: number): Promise<void> {
  let last = 'no answer'
  const note = (error: unknown): void => {
    last = reasonOf(error)
  }
  client.on('error', note)
  try {
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => reject(new Error(`not ready within ${withinMs / 1000} s: ${last}`))
      const timer = setTimeout(giveUp, withinMs)
      client.once('ready', () => resolve(clearTimeout(timer)))
    })
  } finally {
    client.off('error', note)
  }
}

/**
 * Asks every master what it is. On a cluster this also opens the connections to all of them, which would otherwise be
 * made by the first commands, and refuse the second ones meanwhile.
 */
async function makeSure(client: RedisClient, log: Log, deadline: number): Promise<string> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client]
  const judged = (await Promise.all(nodes.map((node) => infoOf(node, deadline)))).map(judgeServer)
  for (const { problem } of judged) if (problem !== undefined) throw new Error(problem)
  const warning = judged.find((one) => one.warning !== undefined)?.warning
  if (warning !== undefined) log.warn(warning)
  return judged[0]?.version ?? ''
}

/** A machine that is only just starting, or a Redis that is, may be slow to answer the first time. */
async function infoOf(node: Redis, deadline: number): Promise<string> {
  const retry = async (error: unknown): Promise<string> => {
    if (error instanceof ReplyError || performance.now() > deadline) throw error
    await delay(LONGEST_RETRY_MS)
    return infoOf(node, deadline)
  }
  return node.info().catch(retry)
}
