/**
 * Several processes behind one port. The primary answers no request: it starts the workers, hands them connections,
 * starts another when one dies, and lets them leave one by one or all at once.
 *
 * Connections are dealt in turn (SCHED_RR). Left to the kernel, a gateway's few lasting connections could all end up with one
 * worker; and one that is dealt to a worker which is just leaving comes back, and goes to another.
 */
import cluster from 'node:cluster'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import type { Figures } from '../http/metrics.js'
import { createFigures } from './figures.js'
import { type Leaving, reasonOf } from './leaving.js'
import { type Member, startMember } from './member.js'
import type { Report } from './messages.js'
import type { PrivateRedis } from './serve.js'

/** What does not listen by then, never will; Redis alone may take ten seconds to be found missing. */
const START_WITHIN_MS = 60_000
/** Whoever lives shorter has died of its start, and the next one waits before it may do the same. */
const SETTLED_MS = 10_000
const LONGEST_WAIT_MS = 5_000
/** More than a worker gives itself to retire. */
const RETIRE_WITHIN_MS = 40_000
/** A worker that does not say its figures by then is too busy; what it said last stands in. */
const COUNT_WITHIN_MS = 1_000

export interface PrimaryOptions {
  workers: number
  privateRedis: PrivateRedis | undefined
  log: Logger
  leaving: Leaving
}

export interface Primary {
  /** See `Serving`: one worker does it for all. */
  welcome(): Promise<void>
  /** Replaces all workers, one by one, each only once its successor listens. Never rejects. */
  restart(): Promise<void>
}

/** @returns when all workers listen. @throws Error, in its own words, when one cannot start */
export async function startWorkers(options: PrimaryOptions): Promise<Primary> {
  const { workers, privateRedis, log, leaving } = options
  if (!cluster.isPrimary)
    throw new Error('COUNTERSIGN_WORKERS must be 1 where something else starts several processes of it.')
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('worker.js', import.meta.url)),
    execArgv: process.sourceMapsEnabled ? [...process.execArgv, '--enable-source-maps'] : process.execArgv,
  })
  /** All that run. */
  const members = new Set<Member>()
  /** Those of them that listen and are to stay. */
  const serving = new Set<Member>()
  const figures = createFigures<Member>()
  let earlyDeaths = 0

  leaving.opened.push({
    async close() {
      for (const member of members) member.tell({ do: 'leave' })
      await Promise.all([...members].map(({ ended }) => ended))
    },
  })
  leaving.announce(() => {
    for (const member of members) member.tell({ do: 'drain' })
  })
  // When the time is over or somebody insists. Those that are well end by themselves when we do; a stuck one would not.
  process.once('exit', () => {
    for (const member of members) member.kill()
  })

  async function start(): Promise<Member> {
    const member = startMember(heard)
    members.add(member)
    void member.ended.then((how) => over(member, how))
    const timer = setTimeout(member.kill, START_WITHIN_MS)
    await member.ask({ do: 'listen', privateRedis }).finally(() => clearTimeout(timer))
    serving.add(member)
    return member
  }

  function heard(member: Member, report: Report): void {
    if ('last' in report) figures.note(member, report.last)
    if (!('gather' in report)) return
    void countAll().then((all) => member.tell({ do: 'render', gathering: report.gather, figures: all }))
  }

  async function countAll(): Promise<Figures[]> {
    const count = async (member: Member): Promise<void> => {
      const counted = await member.ask({ do: 'count' }).catch(() => undefined)
      if (counted !== undefined && members.has(member)) figures.note(member, counted)
    }
    await Promise.race([Promise.all([...serving].map(count)), delay(COUNT_WITHIN_MS)])
    return figures.all()
  }

  async function over(member: Member, how: string): Promise<void> {
    members.delete(member)
    figures.ended(member)
    if (!serving.delete(member) || leaving.begun) return
    const livedMs = performance.now() - member.startedAt
    earlyDeaths = livedMs < SETTLED_MS ? earlyDeaths + 1 : 0
    log.error({ worker: member.pid, how }, 'a worker ended by itself; starting another')
    await startAnother()
  }

  async function startAnother(): Promise<void> {
    const waitMs = earlyDeaths === 0 ? 0 : Math.min(50 * 2 ** earlyDeaths, LONGEST_WAIT_MS)
    await delay(waitMs)
    if (leaving.begun) return
    try {
      await start()
    } catch (error) {
      if (leaving.begun) return
      earlyDeaths += 1
      log.error({ why: reasonOf(error) }, 'a worker could not start; trying again')
      await startAnother()
    }
  }

  async function replaceAll(): Promise<void> {
    log.info('restarting the workers, one by one')
    for (const old of [...serving]) {
      if (leaving.begun) return
      // One that has died since has been replaced since.
      if (!serving.has(old)) continue
      try {
        await start()
      } catch (error) {
        if (leaving.begun) return
        log.error({ why: reasonOf(error) }, 'a new worker could not start; the old ones stay')
        return
      }
      if (!serving.delete(old)) continue
      old.tell({ do: 'retire' })
      const timer = setTimeout(old.kill, RETIRE_WITHIN_MS)
      await old.ended
      clearTimeout(timer)
    }
    log.info('all workers have been restarted')
  }

  // The first one alone: what is wrong is met once, and said once.
  const first = await start()
  await Promise.all(Array.from({ length: workers - 1 }, start))

  let restarting: Promise<void> | undefined
  let wanted = false
  return {
    welcome: async () => void (await first.ask({ do: 'welcome' })),
    async restart() {
      wanted = true
      restarting ??= (async () => {
        while (wanted) {
          wanted = false
          await replaceAll()
        }
        restarting = undefined
      })()
      await restarting
    },
  }
}
