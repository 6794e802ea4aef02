/**
 * Many writers at once on few names, each of them cut off, delayed or overtaken at random places: whatever happens, a
 * name that an account lists is claimed by it and by nobody else.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { canonicalName, loginNames } from '../../src/account.js'
import { Overloaded, StoreUnavailable } from '../../src/errors.js'
import { parseAccount } from '../../src/store/account-record.js'
import { type AccountDraft, type AccountStore, createAccountStore } from '../../src/store/accounts.js'
import { accountIntentKey, accountKey, loginKey, placeOf } from '../../src/store/keys.js'
import { startRedis } from '../support/redis.js'

const uids = ['a', 'b', 'c', 'd']
const emails = ['1@x.org', '2@x.org', '3@x.org', undefined]
/** Some are the uids of others. */
const userNames = ['a', 'b', 'one', undefined]
const names = [...uids, ...emails, ...userNames].filter((name) => name !== undefined)

const chance = (probability: number) => Math.random() < probability
const oneOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T

/** A connection whose commands come late, and are sometimes lost before or after they were carried out. */
function unreliable(redis: Redis): Redis {
  const commands = new Set(['get', 'set', 'incr', 'hmget', 'zadd', 'zscore', 'zremrangebyscore'])
  const scripts = new Set(['accountWrite', 'accountMark', 'loginSwap'])
  return new Proxy(redis, {
    get(target, name: string) {
      const value = Reflect.get(target, name)
      if (!commands.has(name) && !scripts.has(name)) return value
      return async (...args: unknown[]) => {
        if (chance(0.3)) await sleep(Math.random() * 4)
        if (chance(0.01)) throw new Error('lost on the way')
        const reply = await value.apply(target, args)
        if (chance(0.01)) throw new Error('lost on the way back')
        if (chance(0.3)) await sleep(Math.random() * 4)
        return reply
      }
    },
  })
}

function wish() {
  const [email, username] = [oneOf(emails), oneOf(userNames)]
  return { email, attributes: username === undefined ? {} : { username } }
}

/** One random change; faults are what it is about, so they are no failure. */
async function change(store: AccountStore): Promise<string> {
  const uid = oneOf(uids)
  const draft: AccountDraft = { uid, provider: 'email', roles: [], ...wish() }
  try {
    if (chance(0.2)) return `removed ${await store.remove(uid)}`
    if (chance(0.5)) return `created ${(await store.create(draft, undefined)).ok}`
    const updated = await store.update(uid, (account) => ({ ok: true, account: { ...account, ...wish() } }))
    return `updated ${updated.ok}`
  } catch (error) {
    if (error instanceof StoreUnavailable || error instanceof Overloaded) return 'fault'
    throw error
  }
}

/** Reads everything in one instant. @returns the names that are listed, with the uid that lists them */
async function listed(t: Test, client: Redis): Promise<Map<string, string>> {
  const snapshot = client.multi()
  for (const uid of uids) snapshot.hget(accountKey(placeOf(uid)), 'doc')
  for (const name of names) snapshot.get(loginKey(placeOf(name)))
  const replies = (await snapshot.exec()) ?? []
  const values = replies.map(([, value]) => value as string | null)
  const claims = new Map(names.map((name, i) => [name, values[uids.length + i]?.replace(/^.*?:/, '')]))
  const owners = new Map<string, string>()
  for (const doc of values.slice(0, uids.length)) {
    if (doc === null) continue
    const account = parseAccount(doc ?? '')
    for (const name of loginNames(account).keys()) {
      if (owners.has(name)) t.fail(`${name} is listed by ${owners.get(name)} and ${account.uid}`)
      if (claims.get(name) !== account.uid)
        t.fail(`${name} is listed by ${account.uid}, but claimed by ${claims.get(name)}`)
      owners.set(name, account.uid)
    }
  }
  return owners
}

t.test('one owner for every name, at any time, whoever crashes', async (t) => {
  const { client } = await startRedis(t)
  const stores = Array.from({ length: 4 }, () => createAccountStore({ redis: unreliable(client) }))
  const seen = new Map<string, number>()
  let writing = true
  let snapshots = 0

  const writers = stores
    .flatMap((store) => [store, store, store])
    .map(async (store) => {
      for (let i = 0; i < 60; i++) {
        const what = await change(store)
        seen.set(what, (seen.get(what) ?? 0) + 1)
      }
    })
  const observer = (async () => {
    for (; writing; snapshots++) {
      await listed(t, client)
      await sleep(1)
    }
  })()
  const clock = (async () => {
    for (; writing; await sleep(Math.random() * 10)) await client.del(accountIntentKey(placeOf(oneOf(uids)))) // its time is up
  })()
  await Promise.all(writers)
  writing = false
  await Promise.all([observer, clock])

  t.ok(snapshots > 100, `${snapshots} snapshots`)
  for (const what of [
    'created true',
    'updated true',
    'removed true',
    'created false',
    'updated false',
    'fault',
  ])
    t.ok((seen.get(what) ?? 0) > 5, `${what}: ${seen.get(what)}`)

  // All intents are over: what nobody lists is free, what somebody lists leads to them.
  await client.del(uids.map((uid) => accountIntentKey(placeOf(uid))))
  const store = createAccountStore({ redis: client })
  const owners = await listed(t, client)
  for (const name of names.map(canonicalName)) {
    const owner = owners.get(name)
    t.equal((await store.findByLogin(name))?.account.uid, owner, `${name} signs in ${owner}`)
    const email = name.includes('@') ? name : undefined
    const attributes = email === undefined ? { username: name } : {}
    const made = await store.create(
      { uid: `new-${name}`, provider: 'email', email, attributes, roles: [] },
      undefined,
    )
    t.equal(
      made.ok,
      owner === undefined && (await listed(t, client)).get(name) === undefined,
      `${name} is free`,
    )
    await store.remove(`new-${name}`)
  }
})
