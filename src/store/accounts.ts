/**
 * Account records. The hash of an account is the truth about it; its login names (`login-names.ts`) and its entry in the
 * index point to it, lie in other Cluster slots, and are written first: an account is never without them, and one
 * that points to nothing is passed over.
 *
 * A document is written only over the one that was read; whoever comes second reads again, so parallel updates lose
 * nothing. Password, suspension and "not before" are fields of their own, which no update of the document touches.
 *
 * Should a failover lose the claim of an account that survives, the account is not found by that name until the name is
 * taken from it and given again. Nobody is ever found by a name that is not theirs: a claim counts only if listed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Account, canonicalName, type LoginField, loginNames } from '../account.js'
import { Overloaded } from '../errors.js'
import { accountFields, formatAccount, parseAccount } from './account-record.js'
import { defineAccountScripts } from './account-scripts.js'
import type { RedisClient } from './connect.js'
import { orUnavailable } from './faults.js'
import { accountIdKey, accountIndexKey, accountIntentKey, accountKey, placeOf } from './keys.js'
import { createLoginNames } from './login-names.js'

/** An account as it is stored. Times are ms since the epoch. */
export interface StoredAccount {
  account: Account
  passwordHash: string | undefined
  suspendedAt: number | undefined
  notBefore: number | undefined
}

export type AccountDraft = Omit<Account, 'id' | 'createdAt' | 'updatedAt'>
type Taken = { ok: false; code: 'taken'; field: LoginField }
type Unknown = { ok: false; code: 'unknown' }
type Written = { ok: true; account: Account }

export interface AccountStore {
  find(uid: string): Promise<StoredAccount | undefined>
  /** By any spelling of a login name, always in two round trips, so that time does not tell which names exist. */
  findByLogin(name: string): Promise<StoredAccount | undefined>
  /** Expects uid and e-mail in canonical form. */
  create(draft: AccountDraft, passwordHash: string | undefined): Promise<Written | Taken>
  /** `change` makes the new account of the current one or refuses; it runs again when somebody else wrote first. */
  update<Refused extends { ok: false }>(
    uid: string,
    change: (account: Account) => { ok: true; account: Account } | Refused,
  ): Promise<Written | Taken | Unknown | Refused>
  /** @returns false when there is no such account */
  mark(uid: string, what: 'suspend' | 'restore' | 'cut-off'): Promise<boolean>
  setPassword(uid: string, passwordHash: string): Promise<boolean>
  remove(uid: string): Promise<boolean>
  /** Up to `limit` accounts with ids above `after`; `next` is the `after` of the next page, if there is one. */
  list(after: number, limit: number): Promise<{ accounts: StoredAccount[]; next: number | undefined }>
}

/** How often a writer reads again before it gives up; its pauses add up to about half a second. */
const MAX_ROUNDS = 24
const PAUSE_MS = 4

interface Read extends StoredAccount {
  /** The document as it was read, for comparison. */
  doc: string
}

/** The accounts in one Redis. Every function throws StoreUnavailable when it cannot tell. */
export function createAccountStore({ redis }: { redis: RedisClient }): AccountStore {
  defineAccountScripts(redis)
  const names = createLoginNames(redis, async (uid, name) => lists(await read(uid), name))

  async function read(uid: string): Promise<Read | undefined> {
    const f = accountFields
    const fields = [f.doc, f.passwordHash, f.suspendedAt, f.notBefore]
    const [doc, hash, suspended, cutOff] = await orUnavailable(
      redis.hmget(accountKey(placeOf(uid)), ...fields),
    )
    if (doc == null) return undefined
    return {
      doc,
      account: parseAccount(doc),
      passwordHash: hash ?? undefined,
      suspendedAt: suspended == null ? undefined : Number(suspended),
      notBefore: cutOff == null ? undefined : Number(cutOff),
    }
  }

  /** Goes from reading to writing, again from the start when somebody else was quicker. */
  async function settle<Result extends { ok: boolean }>(
    uid: string,
    attempt: (current: Read | undefined) => Promise<Result | 'changed'>,
  ): Promise<Result> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (round > 0) await sleep(Math.random() * PAUSE_MS * round)
      const result = await attempt(await read(uid))
      if (result !== 'changed') return result
    }
    throw new Overloaded('writing to one account')
  }

  function write(uid: string, asRead: string, doc: string, intent = '', passwordHash = '') {
    const place = placeOf(uid)
    const keys = [accountKey(place), accountIntentKey(place)] as const
    return orUnavailable(redis.accountWrite(...keys, asRead, doc, intent, passwordHash))
  }

  async function replace(
    current: Read | undefined,
    account: Account,
    passwordHash?: string,
  ): Promise<Written | Taken | 'changed'> {
    const { uid } = account
    const before = current === undefined ? new Map<string, LoginField>() : loginNames(current.account)
    const after = loginNames(account)
    const added = [...after.keys()].filter((name) => !before.has(name))
    const dropped = [...before.keys()].filter((name) => !after.has(name))
    const released = await names.claims(uid, dropped)
    const doc = formatAccount(account)
    const put = (intent?: string) => write(uid, current?.doc ?? '', doc, intent, passwordHash)

    const outcome =
      added.length === 0
        ? await put()
        : await names.adding(uid, added, async (intent) => {
            if (current === undefined) await orUnavailable(redis.zadd(accountIndexKey, 'GT', account.id, uid))
            return put(intent)
          })
    if (outcome === 'changed') return 'changed'
    if (outcome === 'written') {
      await names.release(released)
      return { ok: true, account }
    }
    // A name may have been found taken by this very account, as somebody else made it just now.
    if ((await read(uid))?.doc !== current?.doc) return 'changed'
    return { ok: false, code: 'taken', field: after.get(outcome.taken) ?? 'uid' }
  }

  async function mark(uid: string, what: 'password' | 'suspend' | 'restore' | 'cut-off', hash = '') {
    return (await orUnavailable(redis.accountMark(accountKey(placeOf(uid)), what, hash))) === 'done'
  }

  return {
    find: read,

    async findByLogin(name) {
      const found = await read((await names.claimant(name)) ?? name)
      return lists(found, canonicalName(name)) ? found : undefined
    },

    async create(draft, passwordHash) {
      const id = await orUnavailable(redis.incr(accountIdKey))
      const now = Date.now()
      const account = { id, ...draft, createdAt: now, updatedAt: now }
      const taken = { ok: false, code: 'taken', field: loginNames(account).get(draft.uid) ?? 'uid' } as const
      return settle<Written | Taken>(draft.uid, async (current) =>
        current === undefined ? replace(undefined, account, passwordHash) : taken,
      )
    },

    update<Refused extends { ok: false }>(
      uid: string,
      change: (account: Account) => { ok: true; account: Account } | Refused,
    ) {
      return settle<Written | Taken | Unknown | Refused>(uid, async (current) => {
        if (current === undefined) return { ok: false, code: 'unknown' }
        const changed = change(current.account)
        if (!changed.ok) return changed
        return replace(current, { ...changed.account, updatedAt: Date.now() })
      })
    },

    mark,
    setPassword: (uid, passwordHash) => mark(uid, 'password', passwordHash),

    async remove(uid) {
      const removal = await settle(uid, async (current) => {
        if (current === undefined) return { ok: false }
        const { account, doc } = current
        const claims = await names.claims(account.uid, loginNames(account).keys())
        const score = await orUnavailable(redis.zscore(accountIndexKey, account.uid))
        if ((await write(account.uid, doc, '')) === 'changed') return 'changed'
        await names.release(claims)
        // By score, which is this account's alone: one made since under the same uid keeps its entry.
        if (score !== null) await orUnavailable(redis.zremrangebyscore(accountIndexKey, score, score))
        return { ok: true }
      })
      return removal.ok
    },

    async list(after, limit) {
      const range = [`(${after}`, '+inf', 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES'] as const
      const entries = await orUnavailable(redis.zrange(accountIndexKey, ...range))
      const found = await Promise.all(entries.filter((_, index) => index % 2 === 0).map(read))
      return {
        accounts: found.filter((account) => account !== undefined),
        next: found.length === limit ? Number(entries.at(-1)) : undefined,
      }
    },
  }
}

function lists(stored: StoredAccount | undefined, name: string): boolean {
  return stored !== undefined && loginNames(stored.account).has(name)
}
