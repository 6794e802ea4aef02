/** For how long an acceptance is kept: the bounds of each kind of session. */
import t from 'tap'
import type { Account } from '../../src/account.js'
import type { Kind, Session } from '../../src/session.js'
import { createRecall } from '../../src/sessions/recall.js'
import type { Remembered } from '../../src/store/near-entry.js'

const STARTED_AT = 1_000
const rotation = {
  ...{ rotateAfterMs: 60_000, leewayMs: 10_000, reissueAfterMs: 5_000 },
  ...{ reissues: 8, onReplay: 'revoke' as const },
}
const ticket = { startedAt: STARTED_AT, generation: 0 }
const account: Account = {
  ...{ id: 1, uid: 'ada', provider: 'local', email: undefined, roles: [], attributes: {} },
  ...{ suspended: false, createdAt: 0, updatedAt: 0 },
}

/** @returns how long it is good for and when it is due, ms from the start of the question */
function keep(kind: Kind, remainingMs: number, lessMs?: number) {
  const kept: Remembered[] = []
  const nearCache = {
    get: () => undefined,
    begin: () => ticket,
    keep: (_token: string, _ticket: unknown, answer: Remembered) => {
      kept.push(answer)
      return answer
    },
  }
  const times = { createdAt: 0, expiresAt: remainingMs, endsAt: remainingMs }
  const session: Session = { handle: 'handle', tag: 'abc', uid: 'ada', kind, scopes: [], ...times }
  const facts = { session, account, repair: undefined, ageMs: 20_000, remainingMs }
  createRecall(nearCache, rotation).keep('token', ticket, { verdict: 'current', ...facts }, lessMs)
  return kept.map(({ goodUntil, notDueUntil }) => [goodUntil - STARTED_AT, notDueUntil - STARTED_AT])
}

t.test('a rotating session: for five seconds, and until it is due', async (t) => {
  t.strictSame(keep('rotating', 86_400_000), [[5_000, 40_000]])
})

t.test('one that ends soon unless it is used: Redis is asked in time for that', async (t) => {
  t.strictSame(keep('rotating', 3_000), [[1_500, 40_000]])
})

t.test('the others: until they end, or their token does', async (t) => {
  t.strictSame(keep('fixed', 3_000), [[3_000, Number.POSITIVE_INFINITY]])
  t.strictSame(keep('jwt', 3_000, 1_000), [[2_000, Number.POSITIVE_INFINITY]])
})
