/**
 * Accounts: who may sign in, by which names and which password, and who may not any more.
 *
 * What a client did wrong comes back as a value; faults of the store throw (`StoreUnavailable`), and so does a flood of
 * passwords (`Overloaded`).
 */
import {
  type Account,
  type AccountState,
  type Attributes,
  canonicalName,
  type LoginField,
  type Role,
} from '../account.js'
import type { AccountStore, StoredAccount } from '../store/accounts.js'
import { patchAttributes } from './attributes.js'
import { generatePassword, type Passwords, passwordMark } from './password.js'
import { findInvalid, type Invalid } from './problems.js'

export type { Invalid, Problem } from './problems.js'

export type Saved = { ok: true; account: Account }
export type Taken = { ok: false; code: 'taken'; field: LoginField }
export type Unknown = { ok: false; code: 'unknown' }
export type Authenticated = Saved & { passwordMark: string }
export type NotAuthenticated = { ok: false; code: 'wrong-password' | 'suspended' }

export interface NewAccount {
  uid: string
  provider: string
  email?: string
  attributes?: Attributes
  roles?: readonly Role[]
  password?: string
}

export interface AccountChange {
  /** `null` removes it. */
  email?: string | null
  /** A merge patch (RFC 7396): `null` removes. */
  attributes?: Attributes
  roles?: readonly Role[]
}

export interface AccountPage {
  accounts: AccountState[]
  /** What to pass as `after` for the next page; undefined on the last. */
  next: number | undefined
}

export interface Accounts {
  /** Uid and e-mail are kept in canonical form (`canonicalName`). */
  create(account: NewAccount): Promise<Saved | Taken | Invalid>
  find(uid: string): Promise<AccountState | undefined>
  /** By any login name: uid, e-mail or user name. */
  findByLogin(login: string): Promise<AccountState | undefined>
  /** Costs the same for an unknown account and a wrong password; a suspension is told to nobody without the password. */
  authenticate(login: string, password: string): Promise<Authenticated | NotAuthenticated>
  update(uid: string, change: AccountChange): Promise<Saved | Taken | Invalid | Unknown>
  /** Ends every session but `keepHandle`. */
  setPassword(
    uid: string,
    password: string,
    options?: { keepHandle?: string | undefined },
  ): Promise<{ ok: true } | Invalid | Unknown>
  /** Whether it is the account's password, suspended or not. */
  checkPassword(uid: string, password: string): Promise<boolean>
  /** Ends every session. @returns false when there is no such account, as the next three */
  suspend(uid: string): Promise<boolean>
  restore(uid: string): Promise<boolean>
  /** Ends every session, however many, in one step. */
  signOutEverywhere(uid: string): Promise<boolean>
  /** The account, its login names and its sessions. */
  remove(uid: string): Promise<boolean>
  /** In order of account id. A page may be shorter than `limit`, even empty, and still have a next. */
  list(page: { after?: number | undefined; limit: number }): Promise<AccountPage>
  /**
   * Sees to it that there is an account `admin`, created with `password` or else a generated one. Safe to call from
   * several instances at once: one creates it.
   *
   * @returns the password when it was generated, to be shown once
   * @throws Error when `password` may not be one
   */
  ensureAdmin(password?: string): Promise<{ created: boolean; password: string | undefined }>
}

export interface AccountsOptions {
  store: AccountStore
  passwords: Passwords
  /** Ends every session of `uid`, but `exceptHandle`. */
  endSessions(uid: string, reason: string, exceptHandle?: string): Promise<void>
}

const ADMIN_UID = 'admin'

function stateOf({ account, suspendedAt, notBefore, passwordHash }: StoredAccount): AccountState {
  return { account, suspendedAt, notBefore, hasPassword: passwordHash !== undefined }
}

/** The accounts of one store. */
export function createAccounts({ store, passwords, endSessions }: AccountsOptions): Accounts {
  async function create(input: NewAccount): Promise<Saved | Taken | Invalid> {
    const invalid = findInvalid(input)
    if (invalid !== undefined) return invalid
    const passwordHash = input.password === undefined ? undefined : await passwords.hash(input.password)
    const account = {
      uid: canonicalName(input.uid),
      provider: input.provider,
      email: input.email === undefined ? undefined : canonicalName(input.email),
      attributes: input.attributes ?? {},
      roles: input.roles ?? [],
    }
    return store.create(account, passwordHash)
  }

  /** The one place where a password is compared with an account's; without an account it costs the same. */
  function verify(stored: StoredAccount | undefined, name: string, password: string): Promise<boolean> {
    return passwords.verify(stored?.account.uid ?? canonicalName(name), stored?.passwordHash, password)
  }

  return {
    create,

    async find(uid) {
      const stored = await store.find(uid)
      return stored && stateOf(stored)
    },

    async findByLogin(login) {
      const stored = await store.findByLogin(login)
      return stored && stateOf(stored)
    },

    async authenticate(login, password) {
      const stored = await store.findByLogin(login)
      const right = await verify(stored, login, password)
      if (!right || stored?.passwordHash === undefined) return { ok: false, code: 'wrong-password' }
      if (stored.suspendedAt !== undefined) return { ok: false, code: 'suspended' }
      return { ok: true, account: stored.account, passwordMark: passwordMark(stored.passwordHash) }
    },

    async update(uid, change) {
      const invalid = findInvalid(change)
      if (invalid !== undefined) return invalid
      return store.update(uid, (account) => {
        const attributes = patchAttributes(account.attributes, change.attributes ?? {})
        const { email = account.email, roles = account.roles } = change
        const changed = { ...account, email: email ? canonicalName(email) : undefined, attributes, roles }
        return findInvalid({ attributes }) ?? { ok: true, account: changed }
      })
    },

    async setPassword(uid, password, { keepHandle } = {}) {
      const invalid = findInvalid({ password })
      if (invalid !== undefined) return invalid
      const known = await store.setPassword(uid, await passwords.hash(password))
      if (!known) return { ok: false, code: 'unknown' }
      passwords.forget(canonicalName(uid))
      await endSessions(uid, 'password-changed', keepHandle)
      return { ok: true }
    },

    async checkPassword(uid, password) {
      return verify(await store.find(uid), uid, password)
    },

    async suspend(uid) {
      const known = await store.mark(uid, 'suspend')
      if (known) await endSessions(uid, 'suspended')
      return known
    },

    restore: (uid) => store.mark(uid, 'restore'),
    signOutEverywhere: (uid) => store.mark(uid, 'cut-off'),

    async remove(uid) {
      const known = await store.remove(uid)
      passwords.forget(canonicalName(uid))
      // Even when it is gone already: the one who removed it may have failed here.
      await endSessions(uid, 'account-removed')
      return known
    },

    async list({ after = 0, limit }) {
      const { accounts, next } = await store.list(after, limit)
      return { accounts: accounts.map(stateOf), next }
    },

    async ensureAdmin(given) {
      if ((await store.find(ADMIN_UID)) !== undefined) return { created: false, password: undefined }
      const password = given ?? generatePassword()
      const made = await create({ uid: ADMIN_UID, provider: 'email', roles: ['admin'], password })
      if (made.ok) return { created: true, password: given === undefined ? password : undefined }
      if (made.code === 'taken') return { created: false, password: undefined }
      throw new Error(
        `the password of ${ADMIN_UID} ${made.problems.map(({ message }) => message).join(', ')}`,
      )
    },
  }
}
