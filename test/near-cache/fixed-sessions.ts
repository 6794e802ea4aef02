/** Sessions whose tokens do not rotate, opened as signing in does, without the passwords. */
import type { Redis } from 'ioredis'
import { each } from '../../bench/fill.js'
import { createAccountStore } from '../../src/store/accounts.js'
import { placeOf } from '../../src/store/keys.js'
import { createSessionStore } from '../../src/store/sessions.js'
import { createCountersigner } from '../../src/token/countersign.js'
import { parseMasterKeys } from '../../src/token/master-keys.js'

const DAY_MS = 86_400_000
const rotation = {
  ...{ rotateAfterMs: 5000, leewayMs: 10_000, reissueAfterMs: 60_000, reissues: 8 },
  onReplay: 'revoke',
} as const

/** @returns tokens, each of an account of its own */
export async function openFixedSessions(redis: Redis, keys: string, count: number): Promise<string[]> {
  const accounts = createAccountStore({ redis })
  const store = createSessionStore({ redis, rotation })
  const countersigner = createCountersigner(parseMasterKeys(keys))
  const life = { idleMs: DAY_MS, absoluteMs: DAY_MS, maxSessions: 1 }
  const tokens: string[] = []
  await each(count, async (i) => {
    const uid = `user${i}`
    await accounts.create({ uid, provider: 'local', email: undefined, attributes: {}, roles: [] }, undefined)
    const claim = countersigner.begin(placeOf(uid).tag, 0)
    const { tag, handle } = claim
    const { verdict } = await store.open({ tag, handle, uid, kind: 'fixed', scopes: [], life })
    if (verdict !== 'opened') throw new Error(verdict)
    tokens[i] = countersigner.mint(claim, claim.n, 0)
  })
  return tokens
}
