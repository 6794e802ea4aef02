/** What a Redis holds and what it was asked, for tests that say: nothing, and nothing. */
import type { Redis } from 'ioredis'
import { type Counters, readCounters } from '../../bench/redis.js'

/** Shared facts about where and on what sessions are used; written after the fact, like the last use of a session, which follows the uid hash in its field `u`. */
const SHARED = /^cs:(ua:|geo:|geo-id$|place:)/
const UID_HASH_BYTES = 16

/**
 * Everything but where and on what sessions were last used, which is noted after the fact.
 *
 * @returns for every key its value and when it goes (ms since the epoch, -1: never)
 */
export async function readEverything(client: Redis): Promise<Record<string, string>> {
  const keys = (await client.keys('*')).filter((key) => !SHARED.test(key)).sort()
  const entries = keys.map(async (key) => {
    const [value, expiresAt] = await Promise.all([readValue(client, key), client.pexpiretime(key)])
    return [key, `${value} until ${expiresAt}`] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

async function readValue(client: Redis, key: string): Promise<string | undefined> {
  if (!key.startsWith('cs:{')) return (await client.dumpBuffer(key))?.toString('base64')
  const fields = Object.entries(await client.hgetallBuffer(key))
  const lasting = (name: string, value: Buffer) => (name === 'u' ? value.subarray(0, UID_HASH_BYTES) : value)
  return JSON.stringify(fields.map(([name, value]) => [name, lasting(name, value).toString('base64')]))
}

/** @returns which commands Redis ran while `work` did, inside scripts too, and how often; our own asking apart */
export async function commandsDuring(
  client: Redis,
  work: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const { calls: before } = await countersOf(client)
  await work()
  const { calls: after } = await countersOf(client)
  const changed = Object.entries(after).map(([name, calls]) => [name, calls - (before[name] ?? 0)] as const)
  return Object.fromEntries(changed.filter(([name, calls]) => calls > 0 && !ours.has(name)))
}

const ours: ReadonlySet<string> = new Set(['info', 'ping'])

/** @returns what the server has counted since its start */
export const countersOf = async (client: Redis): Promise<Counters> =>
  readCounters(await client.info('cpu', 'stats', 'commandstats'))

/** @returns how many scripts it has run by their digest, which is how they are called but for the first time */
export const scriptsOf = async (client: Redis): Promise<number> =>
  (await countersOf(client)).calls.evalsha ?? 0
