/**
 * The login index: which account a name signs in. One name, one account, although accounts and names lie in different
 * Cluster slots and no transaction spans them.
 *
 * A name's key holds a claim, `<nonce>:<uid>`. Names are added to an account in three steps: set its intent (a fresh
 * nonce, by one writer at a time, gone after two seconds), claim the names under that nonce, write the account if the
 * intent still stands. All writers claim in one order, so of several who want the same names one succeeds.
 *
 * A claim is *stale* when its account's intent is not its nonce and, read after that, the account does not list the name:
 * no write can make it true any more, because nonces are never used twice. Only then may it be swapped for another, and
 * the nonce guards the swap too: had the account claimed the name anew meanwhile, the value would differ. So a name
 * has one owner at any time, and a crash between two steps blocks it for two seconds at most.
 *
 * After a fault nothing is released: whether the account was written is unknown, and what was not will be stale.
 */
import { randomBytes } from 'node:crypto'
import type { RedisClient } from './connect.js'
import { orUnavailable } from './faults.js'
import { accountIntentKey, loginKey, placeOf } from './keys.js'

const INTENT_MS = 2000

/** A claim as it was read, which is what releasing or taking it over asks for. */
export interface Claim {
  name: string
  value: string
}

export interface LoginNames {
  /** The uid that claims `name`; whether rightly, its account knows. */
  claimant(name: string): Promise<string | undefined>
  /**
   * Claims `names` for the account `uid`, then calls `write` with the intent that its write must find standing.
   *
   * @param names canonical names that the account does not list yet
   * @returns what `write` returned; `changed` when somebody else is adding names to this account; or the name that
   *   another account has
   */
  adding(
    uid: string,
    names: readonly string[],
    write: (intent: string) => Promise<'written' | 'changed'>,
  ): Promise<'written' | 'changed' | { taken: string }>
  /** The claims of `uid` on `names`; to be read while its account still lists them, and released when it does not. */
  claims(uid: string, names: Iterable<string>): Promise<Claim[]>
  release(claims: readonly Claim[]): Promise<void>
}

function claimantOf(value: string): string {
  return value.slice(value.indexOf(':') + 1)
}

/**
 * The login index in one Redis.
 *
 * @param lists reads whether the account `uid` exists and lists `name`
 */
export function createLoginNames(
  redis: RedisClient,
  lists: (uid: string, name: string) => Promise<boolean>,
): LoginNames {
  const keyOf = (name: string): string => loginKey(placeOf(name))

  async function isStale({ name, value }: Claim): Promise<boolean> {
    const uid = claimantOf(value)
    const intent = await orUnavailable(redis.get(accountIntentKey(placeOf(uid))))
    if (intent !== null && value === `${intent}:${uid}`) return false
    return !(await lists(uid, name))
  }

  async function claim(name: string, value: string): Promise<boolean> {
    for (;;) {
      const found = await orUnavailable(redis.set(keyOf(name), value, 'NX', 'GET'))
      if (found === null) return true
      if (!(await isStale({ name, value: found }))) return false
      if ((await orUnavailable(redis.loginSwap(keyOf(name), found, value))) === 'swapped') return true
    }
  }

  async function release(claims: readonly Claim[]): Promise<void> {
    await Promise.all(claims.map(({ name, value }) => orUnavailable(redis.loginSwap(keyOf(name), value, ''))))
  }

  return {
    async claimant(name) {
      const value = await orUnavailable(redis.get(keyOf(name)))
      return value === null ? undefined : claimantOf(value)
    },

    async adding(uid, names, write) {
      const intent = randomBytes(9).toString('base64url')
      const intentKey = accountIntentKey(placeOf(uid))
      if ((await orUnavailable(redis.set(intentKey, intent, 'PX', INTENT_MS, 'NX'))) === null)
        return 'changed'
      const value = `${intent}:${uid}`
      const claimed: Claim[] = []
      const abandon = async (): Promise<void> => {
        await release(claimed)
        await orUnavailable(redis.loginSwap(intentKey, intent, ''))
      }
      for (const name of [...names].sort()) {
        if (await claim(name, value)) claimed.push({ name, value })
        else {
          await abandon()
          return { taken: name }
        }
      }
      const outcome = await write(intent)
      if (outcome === 'changed') await abandon()
      return outcome
    },

    async claims(uid, names) {
      const found = await Promise.all(
        Array.from(names, async (name) => ({
          name,
          value: (await orUnavailable(redis.get(keyOf(name)))) ?? '',
        })),
      )
      return found.filter(({ value }) => value !== '' && claimantOf(value) === uid)
    },

    release,
  }
}
