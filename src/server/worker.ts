/**
 * The process of one worker: the service, as the primary orders it. It reads the configuration itself, so that a new worker
 * has what the files of secrets hold now. When the primary is gone, Node ends it.
 */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { readConfig } from '../config.js'
import type { Figures } from '../http/metrics.js'
import { prepareLeaving, reasonOf } from './leaving.js'
import { stopListening } from './listen.js'
import { openLog } from './log.js'
import type { Order, Report } from './messages.js'
import { type PrivateRedis, type Serving, serve } from './serve.js'

/** A connection on which nothing came for so long is closed: only on one in use are clients told to leave it. */
const RETIRE_MS = 5_000

/** A terminal or a supervisor may send these to every process; the primary decides what they mean. */
const TO_THE_PRIMARY = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR2'] as const
for (const signal of TO_THE_PRIMARY) process.on(signal, () => {})

let serving: Serving | undefined
let end = (): void => process.exit(0)
let fail = async (id: number, error: unknown): Promise<void> => {
  await report({ failed: id, why: reasonOf(error) })
  process.exit(1)
}
const gatherings = new Map<number, (figures: Figures[]) => void>()
let gathered = 0

process.on('message', (order: Order) => {
  switch (order.do) {
    case 'listen':
      return void answer(order.id, () => start(order.privateRedis))
    case 'welcome':
      return void answer(order.id, async () => serving?.welcome())
    case 'count':
      return void serving?.figures().then((figures) => report({ done: order.id, figures }))
    case 'render':
      gatherings.get(order.gathering)?.(order.figures)
      return void gatherings.delete(order.gathering)
    case 'drain':
      return serving?.drain()
    case 'retire':
      return void retire()
    case 'leave':
      return end()
  }
})

void report({ ready: true })

/** Resolves when it is on its way; whether it arrives is the primary's business. */
function report(about: Report): Promise<void> {
  return new Promise((resolve) => void process.send?.(about, undefined, {}, () => resolve()))
}

/** Does what ends the worker if it fails. */
async function answer(id: number, act: () => Promise<void>): Promise<void> {
  try {
    await act()
    await report({ done: id })
  } catch (error) {
    await fail(id, error)
  }
}

async function start(privateRedis: PrivateRedis | undefined): Promise<void> {
  const settings = readConfig()
  const log = await openLog(settings)
  const leaving = prepareLeaving(log, TO_THE_PRIMARY)
  end = leaving.begin
  fail = (id, error) => leaving.failed(error, (why) => report({ failed: id, why }))
  leaving.opened.push({
    async close() {
      if (serving !== undefined) await report({ last: await serving.figures() })
    },
  })
  serving = await serve(settings, { privateRedis, leaving, log, gather })
}

async function retire(): Promise<void> {
  if (serving === undefined) return
  serving.drain()
  const quiet = once(serving.app.server, 'close')
  stopListening(serving.app)
  await Promise.race([quiet, delay(RETIRE_MS)])
  end()
}

function gather(): Promise<Figures[]> {
  const gathering = gathered++
  return new Promise((resolve) => {
    gatherings.set(gathering, resolve)
    void report({ gather: gathering })
  })
}
