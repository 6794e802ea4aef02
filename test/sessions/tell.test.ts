import t, { type Test } from 'tap'
import { StoreUnavailable } from '../../src/errors.js'
import type { Delivery } from '../../src/push/deliver.js'
import type { News } from '../../src/sessions/news.js'
import { NEVER } from '../../src/sessions/note.js'
import type { Subscriber } from '../../src/sessions/subscriptions.js'
import { createTeller, type TellerOptions } from '../../src/sessions/tell.js'
import { until } from '../support/redis-groups.js'

const news: News = {
  uid: 'ada',
  tag: 'abc',
  handle: 'new',
  ip: '',
  userAgent: '',
  writtenMs: NEVER,
  atMs: 0,
  opened: 'opened',
  country: undefined,
  device: { type: undefined, os: undefined, browser: undefined },
  events: ['session.new_device'],
}
const subscriber = (name: number): Subscriber => ({
  handle: `${name}`,
  sealed: `sealed ${name}`,
  subscription: { endpoint: `https://push.example.net/${name}`, p256dh: '', auth: '' },
})

/** A teller whose deliveries end when the test says so. */
function start(_t: Test, count: number, options: Partial<TellerOptions> = {}) {
  const under: { to: string; text: string; end: (delivery: Delivery) => void }[] = []
  const forgotten: string[] = []
  const faults: unknown[] = []
  let most = 0
  const teller = createTeller({
    subscriptions: {
      others: async () => ({
        subscribers: Array.from({ length: count }, (_, i) => subscriber(i)),
        faults: [],
      }),
      forget: async (_uid, { sealed }) => void forgotten.push(sealed),
    },
    vapid: async () => ({ publicKey: '', privateKey: '' }),
    deliver: ({ endpoint }, text) =>
      new Promise((resolve) => {
        const one = {
          to: endpoint,
          text,
          end(delivery: Delivery) {
            under.splice(under.indexOf(one), 1)
            resolve(delivery)
          },
        }
        most = Math.max(most, under.push(one))
      }),
    onFault: (fault) => faults.push(fault),
    ...options,
  })
  return { teller, under, forgotten, faults, most: () => most }
}

t.test('a bounded number at a time, a bounded number in waiting, the rest is counted', async (t) => {
  const { teller, under, most } = start(t, 20, { atOnce: 3, mostWaiting: 10 })
  teller.tell(news)
  await until('the lanes are full', () => under.length === 3)
  t.match(teller.counts(), { waiting: 9, dropped: 8 })
  while (under.length > 0 || teller.counts().waiting > 0) {
    under[0]?.end({ result: 'delivered' })
    await new Promise(setImmediate)
  }
  t.equal(most(), 3)
  t.strictSame(teller.counts(), { delivered: 12, gone: 0, failed: 0, dropped: 8, waiting: 0 })
})

t.test('a flood of news costs no more than what may wait', async (t) => {
  const { teller, under } = start(t, 1, { atOnce: 2, mostWaiting: 5 })
  for (let i = 0; i < 1000; i++) teller.tell(news)
  await until('the lanes are full', () => under.length === 2)
  const { waiting, dropped } = teller.counts()
  t.ok(waiting <= 5 && dropped >= 990, `${waiting} ${dropped}`)
})

t.test('what fails is counted, said once in a row, and holds up nothing', async (t) => {
  const { teller, under, forgotten, faults } = start(t, 5)
  teller.tell(news)
  await until('all are under way', () => under.length === 5)
  for (const delivery of [
    { result: 'failed', why: 'status 500' },
    { result: 'failed', why: 'ABORT_ERR' },
    { result: 'delivered' },
    { result: 'gone' },
    { result: 'failed', why: 'ECONNRESET' },
  ] as const) {
    under[0]?.end(delivery)
    await new Promise(setImmediate)
  }
  t.strictSame(teller.counts(), { delivered: 1, gone: 1, failed: 3, dropped: 0, waiting: 0 })
  t.strictSame(faults, ['status 500', 'ECONNRESET'])
  t.strictSame(forgotten, ['sealed 3'])
})

t.test('a fault of ours is a failure like others', async (t) => {
  const fault = new StoreUnavailable(new Error('away'))
  const away = start(t, 1, {
    subscriptions: { others: () => Promise.reject(fault), forget: async () => {} },
  })
  away.teller.tell(news)
  const keyless = start(t, 1, { vapid: () => Promise.reject(fault) })
  keyless.teller.tell(news)
  for (const { teller, faults } of [away, keyless]) {
    await until('it has failed', () => teller.counts().failed === 1)
    t.strictSame(faults, [fault])
  }
})

t.test('the message says what, when, where and on what, or that it does not know', async (t) => {
  const { teller, under } = start(t, 1)
  teller.tell(news)
  await until('it is under way', () => under.length === 1)
  t.strictSame(JSON.parse(under[0]?.text ?? ''), {
    events: ['session.new_device'],
    at: '1970-01-01T00:00:00.000Z',
    country: null,
    device: 'an unknown device',
    session: 'new',
  })
})

t.test('closing waits for what is under way', async (t) => {
  const { teller, under } = start(t, 2, { atOnce: 1 })
  let closed = false
  teller.tell(news)
  const closing = teller.close().then(() => {
    closed = true
  })
  for (const _ of [1, 2]) {
    await until('one is under way', () => under.length === 1)
    t.equal(closed, false)
    under[0]?.end({ result: 'delivered' })
  }
  await closing
  t.equal(teller.counts().delivered, 2)
  await teller.close()
})
