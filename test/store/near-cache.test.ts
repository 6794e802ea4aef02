/** What is kept of an answer, for how long, and what becomes of it when the same is answered again. */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Account } from '../../src/account.js'
import type { Session } from '../../src/session.js'
import { createNearCache, type NearCache } from '../../src/store/near-cache.js'
import type { Remembered } from '../../src/store/near-entry.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/redis-groups.js'

const TOKEN = `cst_${'A'.repeat(55)}`
const MINUTE_MS = 60_000

const account: Account = {
  ...{ id: 1, uid: 'ada', provider: 'local', email: undefined, roles: [], attributes: {} },
  ...{ suspended: false, createdAt: 0, updatedAt: 0 },
}
const session: Session = {
  ...{ handle: 'handle', tag: 'abc', uid: 'ada', kind: 'fixed', scopes: ['read'] },
  ...{ createdAt: 0, expiresAt: 1, endsAt: 2 },
}

/** An answer that is good for so long from now, in objects of its own. */
const answer = (goodMs: number, more: Partial<Session> = {}): Remembered => ({
  ...{ ok: true, token: TOKEN, rotated: false, signal: '@ada' },
  session: { ...session, ...more, scopes: [...session.scopes] },
  account: structuredClone(account),
  goodUntil: performance.now() + goodMs,
  notDueUntil: performance.now() + goodMs / 2,
})

async function start(t: Test, maxEntries?: number): Promise<NearCache> {
  const { client } = await startRedis(t)
  const cache = createNearCache({ redis: client, ...(maxEntries && { maxEntries }) })
  t.teardown(() => cache.close())
  await until('a lease', async () => cache.counts().leased)
  return cache
}

t.test('the same again prolongs an entry, with what was made of it', async (t) => {
  const cache = await start(t)
  const kept = cache.keep(TOKEN, cache.begin(), answer(MINUTE_MS))
  const first = cache.get(TOKEN, 'verify')
  t.equal(first, kept, 'what is made of the first answer serves the next one')
  t.match(first, { ok: true, token: TOKEN, rotated: false, session, account })

  cache.keep(TOKEN, cache.begin(), answer(-1))
  t.equal(cache.get(TOKEN, 'verify'), undefined, 'its time is over')
  t.equal(cache.counts().entries, 1, 'and it waits')

  t.equal(cache.keep(TOKEN, cache.begin(), answer(MINUTE_MS)), first)
  const again = cache.get(TOKEN, 'verify')
  t.equal(again, first)
  t.equal(again?.lasting, first?.lasting)
  t.equal(cache.counts().entries, 1)
})

t.test('an answer knows when it was given last', async (t) => {
  const cache = await start(t)
  const beforeMs = Math.floor(performance.now())
  const kept = cache.keep(TOKEN, cache.begin(), answer(MINUTE_MS))
  const keptMs = kept?.lasting?.givenAt ?? 0
  t.ok(keptMs >= beforeMs && keptMs <= performance.now())
  t.ok(Number.isInteger(keptMs))
  await delay(5)
  cache.get(TOKEN, 'verify')
  const givenMs = kept?.lasting?.givenAt ?? 0
  t.ok(givenMs > keptMs && givenMs <= performance.now())
  cache.get(TOKEN, 'force')
  t.equal(kept?.lasting?.givenAt, givenMs, 'it was not given')
  await delay(5)
  cache.keep(TOKEN, cache.begin(), answer(MINUTE_MS))
  t.ok((kept?.lasting?.givenAt ?? 0) > givenMs, 'what Redis says again is given, too')
})

t.test('what is not the same takes its place', async (t) => {
  const cache = await start(t)
  const kept = () => cache.get(TOKEN, 'verify')
  cache.keep(TOKEN, cache.begin(), answer(MINUTE_MS))
  const before = kept()
  cache.keep(TOKEN, cache.begin(), answer(MINUTE_MS, { expiresAt: 2 }))
  const moved = kept()
  t.match(moved, { session: { expiresAt: 2 } })
  t.not(moved?.lasting, before?.lasting, 'nothing that was rendered of the other')

  const promoted: Remembered = { ...answer(MINUTE_MS), account: { ...account, roles: ['service'] } }
  cache.keep(TOKEN, cache.begin(), promoted)
  t.match(kept(), { account: { roles: ['service'] }, session: { expiresAt: 1 } })
  t.match(before, { session, account }, 'whoever has the old answer still has what it said')
})

t.test('what was heard since the question overrules the same answer, too', async (t) => {
  const cache = await start(t)
  cache.keep(TOKEN, cache.begin(), answer(MINUTE_MS))
  const asked = cache.begin()
  cache.hear('@ada')
  t.equal(cache.get(TOKEN, 'verify'), undefined)
  t.equal(cache.keep(TOKEN, asked, answer(MINUTE_MS)), undefined)
  t.equal(cache.get(TOKEN, 'verify'), undefined)
})

t.test('a token that is due is not kept for longer than it is good', async (t) => {
  const cache = await start(t)
  const due: Remembered = { ...answer(MINUTE_MS), notDueUntil: performance.now() - 1 }
  cache.keep(TOKEN, cache.begin(), due)
  t.equal(cache.get(TOKEN, 'rotate'), undefined, 'another is to be handed out')
  t.ok(cache.get(TOKEN, 'verify'), 'and it is good, still')

  cache.keep(TOKEN, cache.begin(), answer(-1))
  t.equal(cache.get(TOKEN, 'rotate'), undefined)
  t.equal(cache.counts().entries, 0, 'its successor takes its place')
})

t.test('what is prolonged takes no place of another', async (t) => {
  const cache = await start(t, 2)
  const [first = '', second = '', third = ''] = ['B', 'C', 'D'].map((end) => `cst_${end.repeat(55)}`)
  const keep = (token: string) => cache.keep(token, cache.begin(), { ...answer(MINUTE_MS), token })
  const known = () => [first, second, third].filter((token) => cache.get(token, 'verify') !== undefined)
  for (const token of [first, second, first]) keep(token)
  t.strictSame(known(), [first, second])
  keep(third)
  t.equal(known().length, 2)
  t.ok(known().includes(third), 'somebody new does')
})
