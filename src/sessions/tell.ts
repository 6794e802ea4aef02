/**
 * Tells owners what is new about their sessions, by push messages to their other sessions. All of it happens after the
 * fact, a bounded number at a time, and nothing waits for it: what fails is counted, and not tried again.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Deliver } from '../push/deliver.js'
import type { VapidKeys } from '../token/vapid.js'
import { deviceInWords } from './devices.js'
import type { News } from './news.js'
import type { Subscriber, SubscriptionReader } from './subscriptions.js'

export interface Teller {
  /** Tells all sessions of the account that have a subscription, but the one that the news is of. Never throws. */
  tell(news: News): void
  /** Waits for what is under way, not for long. */
  close(): Promise<void>
  /** For metrics: totals since the start, and how much waits now. `gone`: subscriptions that their services had ended. */
  counts(): TellerCounts
}

export interface TellerCounts {
  delivered: number
  gone: number
  failed: number
  /** Not even tried: too much was waiting. */
  dropped: number
  waiting: number
}

export interface TellerOptions {
  subscriptions: SubscriptionReader
  vapid: () => Promise<VapidKeys>
  deliver: Deliver
  /** Told of the first of several failures in a row: a status, a code, or a fault of ours. */
  onFault(fault: unknown): void
  atOnce?: number
  mostWaiting?: number
}

const AT_ONCE = 32
const MOST_WAITING = 1_000
/** A message that takes longer than that fails at its own time limit, which is no reason to stay. */
const CLOSE_WITHIN_MS = 5_000

/** Makes the teller of one service. */
export function createTeller(options: TellerOptions): Teller {
  const { subscriptions, vapid, deliver, onFault, atOnce = AT_ONCE, mostWaiting = MOST_WAITING } = options
  const counts = { delivered: 0, gone: 0, failed: 0, dropped: 0 }
  const waiting: (() => Promise<void>)[] = []
  const running = new Set<Promise<void>>()
  let failing = false

  function enqueue(job: () => Promise<void>): void {
    if (waiting.length >= mostWaiting) counts.dropped += 1
    else waiting.push(job)
    work()
  }

  function work(): void {
    while (running.size < atOnce) {
      const job = waiting.shift()
      if (job === undefined) return
      const run = job()
        .catch(fail)
        .finally(() => {
          running.delete(run)
          work()
        })
      running.add(run)
    }
  }

  function fail(fault: unknown): void {
    counts.failed += 1
    if (!failing) onFault(fault)
    failing = true
  }

  async function spread(news: News): Promise<void> {
    const { subscribers, faults } = await subscriptions.others(news.uid, news.handle)
    faults.forEach(fail)
    for (const subscriber of subscribers) enqueue(() => send(news, subscriber))
  }

  async function send(news: News, subscriber: Subscriber): Promise<void> {
    const delivery = await deliver(subscriber.subscription, messageOf(news), await vapid())
    if (delivery.result === 'failed') return fail(delivery.why)
    counts[delivery.result] += 1
    failing = false
    if (delivery.result === 'gone') await subscriptions.forget(news.uid, subscriber)
  }

  return {
    tell: (news) => enqueue(() => spread(news)),
    async close() {
      const late = new AbortController()
      const idle = async () => {
        while (running.size > 0) await Promise.all(running)
        late.abort()
      }
      await Promise.race([idle(), delay(CLOSE_WITHIN_MS, undefined, { signal: late.signal }).catch(() => {})])
    },
    counts: () => ({ ...counts, waiting: waiting.length }),
  }
}

/** What the browser's service worker gets, as JSON: nothing secret, and nothing that it could not look up. */
function messageOf({ events, atMs, country, device, handle }: News): string {
  return JSON.stringify({
    events,
    at: new Date(atMs).toISOString(),
    country: country ?? null,
    device: deviceInWords(device),
    session: handle,
  })
}
