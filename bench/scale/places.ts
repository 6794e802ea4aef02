/** The service on one Redis beside the service on another. */
import type { Bench } from '../harness.js'
import type { Populated } from '../population.js'
import { startService } from '../subject.js'
import type { Sort } from './asking.js'
import { type Cost, type Situation, takeTurns } from './turns.js'

/** A Redis with sessions in it whose tokens we have. */
export interface Place extends Pick<Situation, 'name' | 'counters'> {
  readonly redisUrl: string
  readonly sessions: readonly Populated[]
}

/** Starts the service at each place, and has all asked in turns. @returns the rounds of each place */
export async function compareAt(places: readonly Place[], sort: Sort, bench: Bench): Promise<Cost[][]> {
  const environment = { ...bench.environment, ...(await sort.environment(bench.dir)) }
  const situations: Situation[] = []
  try {
    for (const { name, redisUrl, sessions, counters } of places) {
      const subject = await startService(bench.service, { ...environment, REDIS_URL: redisUrl })
      const conversations = sort.asking(sessions, bench.connections)
      situations.push({ name: `${sort.name}, ${name}`, side: { subject, conversations }, counters })
    }
    return await takeTurns(situations, bench)
  } finally {
    for (const { side } of situations) await side.subject.stop()
  }
}
