/** The figures of the guard: of a single request what it calls and sends, and of a session what it takes. */
import { type Bench, startSide } from '../harness.js'
import { populate, within } from '../population.js'
import { quartiles } from '../quartiles.js'
import { difference } from '../redis.js'
import type { Answer, Scenario } from '../scenario.js'
import { exchange, type Side } from '../sides.js'
import { BYTES } from './compare.js'

/** Odd, and so many that what the service does by itself now and then falls beside most of them. */
const PROBES = 21
const SESSIONS = 500

/** @returns what one request of `scenario` costs that does not depend on the machine; begins with an empty Redis */
export async function countCalls(scenario: Scenario, bench: Bench): Promise<Record<string, number>> {
  const environment = { ...bench.environment, ...(await scenario.environment(bench.dir)) }
  const side = await startSide(scenario, environment, bench, true)
  try {
    const probes: Record<string, number>[] = []
    for (let i = 0; i < PROBES; i++) {
      bench.signal.throwIfAborted()
      probes.push(await probe(side, bench))
    }
    const names = [...new Set(probes.flatMap((probe) => Object.keys(probe)))].sort()
    const medians = names.map(
      (name) => [name, quartiles(probes.map((probe) => probe[name] ?? 0)).median] as const,
    )
    return Object.fromEntries(medians.filter(([name, median]) => median !== 0 || name === ROUND_TRIPS))
  } finally {
    await side.subject.stop()
  }
}

const ROUND_TRIPS = 'round trips'

async function probe(side: Side, { redis }: Bench): Promise<Record<string, number>> {
  const { subject } = side
  const callsBefore = await subject.counts()
  const redisBefore = await redis.counters()
  const { answer } = await exchange(side)
  await subject.counts() // what follows an answer in the same turn has been sent by then
  const asked = difference(redisBefore, await redis.counters())
  const calls = Object.entries(await subject.counts())
  return {
    [ROUND_TRIPS]: asked.reads,
    ...Object.fromEntries(Object.entries(asked.calls).map(([name, times]) => [`Redis ${name}`, times])),
    ...Object.fromEntries(calls.map(([name, times]) => [name, times - (callsBefore[name] ?? 0)])),
    'bytes of the answer': bytesOf(answer),
  }
}

/** As RFC 9112 writes it. */
function bytesOf({ headers, body }: Answer): number {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.byteLength(`${lines.join('')}\r\n${body}`)
}

/** @returns bytes of Redis memory that a session takes by its keys: its record, and its part of the account's set */
export async function measureSession({ redis, masterKeys }: Bench): Promise<Record<string, number>> {
  const storage = { redisUrl: redis.url, masterKeys }
  await populate(storage, 'rotating', SESSIONS)
  const bytes = await within(storage, async (client) => {
    let sum = 0
    for await (const keys of client.scanStream({ match: 'cs:[{u]*', count: 1_000 }))
      for (const key of keys) sum += Number(await client.memory('USAGE', key, 'SAMPLES', 0))
    return sum
  })
  return { [BYTES]: Math.round(bytes / SESSIONS) }
}
