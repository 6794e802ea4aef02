/**
 * `--only cluster`: what a Redis Cluster of three masters costs and carries beside a single Redis, both over TCP on this machine.
 *
 * Three masters on two cores cannot be faster by the clock than one; what can be told is CPU. The service sends the presentations
 * of an event-loop turn in one script call to a single Redis, and in one for each slot to a cluster: of many accounts hardly two
 * share a slot, so that each request is a call.
 */
import { type Ending, startRedis, type TestRedis } from '../../test/support/redis.js'
import { freePorts, startCluster } from '../../test/support/redis-groups.js'
import { type Tuple, validating, validation } from '../devise-client.js'
import { ask } from '../load.js'
import type { Findings, Measurement, Task } from '../measurement.js'
import type { Populated } from '../population.js'
import { type Counters, readCounters } from '../redis.js'
import { verifyMiss } from '../scenarios/verify-miss.js'
import { openSessions, withAdmin } from '../service-client.js'
import { startService } from '../subject.js'
import { sorts } from './asking.js'
import { together } from './growth.js'
import { compareAt, type Place } from './places.js'
import { type Cost, describeCosts, medianOf } from './turns.js'

/** Of each connection, each of an account of its own. */
const SESSIONS = 4

export const cluster: Measurement = {
  name: 'cluster',
  about:
    'a Redis Cluster of three masters beside a single Redis, by CPU; on two cores neither could show it by the clock',
  async measure(task) {
    const endings: (() => unknown)[] = []
    const ending: Ending = { teardown: (end) => endings.push(end) }
    try {
      task.progress('starting Redis')
      const [port] = await freePorts(1)
      const single = await startRedis(ending, { args: ['--bind', '127.0.0.1', '--port', String(port)] })
      const { url, masters } = await startCluster(ending)
      const places = [
        await placeOn('a single Redis', `redis://127.0.0.1:${port}`, [single], task),
        await placeOn('three masters', url, masters, task),
      ]
      const parts: Findings[] = []
      for (const sort of sorts) {
        const [ofSingle = [], ofCluster = []] = await compareAt(places, sort, task)
        parts.push(describePair(sort.name, ofSingle, ofCluster))
      }
      return together(parts)
    } finally {
      for (const end of endings.reverse()) await end()
    }
  },
}

/** Sessions are opened, and their tokens replaced once, by the service itself. */
async function placeOn(
  name: string,
  redisUrl: string,
  servers: readonly TestRedis[],
  task: Task,
): Promise<Place> {
  task.progress(`${name}: sessions`)
  const more = { ...(await verifyMiss.environment(task.dir)), ...withAdmin, REDIS_URL: redisUrl }
  const subject = await startService(task.service, { ...task.environment, ...more })
  try {
    const opened = await openSessions(subject.url, 'rotating', task.connections * SESSIONS, 1)
    const sessions: Populated[] = []
    for (const session of opened) {
      const { uid, handle, token } = session
      const next = await replace(subject.url, { uid, client: handle, token })
      sessions.push({ ...session, before: token, token: next })
    }
    return { name, redisUrl, sessions, counters: () => countersOf(servers) }
  } finally {
    await subject.stop()
  }
}

/** @returns the next token */
async function replace(url: string, tuple: Tuple): Promise<string> {
  const chain = validating(tuple, 'rotates')
  const problem = chain.receive(await ask(url, validation(tuple)))
  if (problem !== undefined) throw new Error(problem)
  return chain.request.headers['access-token'] ?? ''
}

/** @returns the sums over several servers */
async function countersOf(servers: readonly TestRedis[]): Promise<Counters> {
  const read = async ({ client }: TestRedis) =>
    readCounters(await client.info('cpu', 'stats', 'commandstats'))
  const all = await Promise.all(servers.map(read))
  const sum = (pick: (counters: Counters) => number) => all.reduce((total, one) => total + pick(one), 0)
  const names = new Set(all.flatMap(({ calls }) => Object.keys(calls)))
  return {
    cpuMicros: sum(({ cpuMicros }) => cpuMicros),
    reads: sum(({ reads }) => reads),
    bytesIn: sum(({ bytesIn }) => bytesIn),
    bytesOut: sum(({ bytesOut }) => bytesOut),
    calls: Object.fromEntries([...names].map((name) => [name, sum(({ calls }) => calls[name] ?? 0)])),
  }
}

function describePair(request: string, single: readonly Cost[], cluster: readonly Cost[]): Findings {
  const serviceOf = (costs: readonly Cost[]) => medianOf(costs, ({ service }) => service.cpuMicros)
  const redisOf = (costs: readonly Cost[]) => medianOf(costs, ({ redisMicros }) => redisMicros)
  /** Requests a second that Redis carries when all its processes have a core each, and an equal share. */
  const carries = (costs: readonly Cost[], processes: number) => (processes * 1e6) / redisOf(costs)
  const row = (name: string, costs: readonly Cost[], processes: number) => [
    `  ${name}: ${describeCosts(costs)}`,
    `    ${medianOf(costs, (cost) => (1e6 * cost.scripts) / cost.redisMicros).toFixed(0)} script calls a second of Redis' CPU; ` +
      `carries ${carries(costs, processes).toFixed(0)} requests a second with ${processes === 1 ? 'a core' : `${processes} cores`} of its own; ` +
      `${medianOf(costs, ({ service }) => service.requestsPerSecond).toFixed(0)} here, all on the cores of this machine`,
  ]
  const ratio = (pick: (costs: readonly Cost[]) => number) => pick(cluster) / pick(single)
  return {
    verdicts: [],
    text: [
      `${request}: cluster over single, CPU of the service ${ratio(serviceOf).toFixed(2)}, of Redis ${ratio(redisOf).toFixed(2)}`,
      ...row('a single Redis', single, 1),
      ...row('three masters', cluster, 3),
    ].join('\n'),
    figures: {
      [`${request}: service, cluster over single`]: ratio(serviceOf),
      [`${request}: Redis, cluster over single`]: ratio(redisOf),
      [`${request}: single carries`]: carries(single, 1),
      [`${request}: cluster carries`]: carries(cluster, 3),
    },
  }
}
