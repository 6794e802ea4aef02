/** What a Redis holds and what it was asked, for tests that say: nothing, and nothing. */
import type { Redis } from 'ioredis'

/** @returns for every key its value, as DUMP serialises it, and when it goes (ms since the epoch, -1: never) */
export async function readEverything(client: Redis): Promise<Record<string, string>> {
  const keys = (await client.keys('*')).sort()
  const entries = keys.map(async (key) => {
    const [value, expiresAt] = await Promise.all([client.dumpBuffer(key), client.pexpiretime(key)])
    return [key, `${value?.toString('base64')} until ${expiresAt}`] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

/** @returns which commands Redis ran while `work` did, inside scripts too, and how often; our own asking apart */
export async function commandsDuring(
  client: Redis,
  work: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const before = await readCounters(client)
  await work()
  const after = await readCounters(client)
  const changed = [...after].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const)
  return Object.fromEntries(changed.filter(([name, calls]) => calls > 0 && name !== 'info'))
}

async function readCounters(client: Redis): Promise<Map<string, number>> {
  const stats = await client.info('commandstats')
  const lines = stats.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)
  return new Map([...lines].map(([, name = '', calls]) => [name, Number(calls)]))
}
