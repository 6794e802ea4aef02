/** The accounts as everybody but the tests of `accounts.ts` sees them: whoever changes one says who asks, and it is recorded. */
import { canonicalName } from '../account.js'
import type { Actor, Audit, EventType } from '../event.js'
import type { AccountChange, Accounts, NewAccount } from './accounts.js'

type Result<Method extends keyof Accounts> = ReturnType<Accounts[Method]>

/** Changes take the actor last, and add exactly one event each when they happened. */
export interface AuditedAccounts
  extends Pick<Accounts, 'find' | 'findByLogin' | 'authenticate' | 'checkPassword' | 'list' | 'ensureAdmin'> {
  create(account: NewAccount, actor: Actor): Result<'create'>
  update(uid: string, change: AccountChange, actor: Actor): Result<'update'>
  /** `keepHandle` is the session that goes on; all others end. */
  setPassword(uid: string, password: string, actor: Actor, keepHandle?: string): Result<'setPassword'>
  suspend(uid: string, actor: Actor): Result<'suspend'>
  restore(uid: string, actor: Actor): Result<'restore'>
  signOutEverywhere(uid: string, actor: Actor): Result<'signOutEverywhere'>
  remove(uid: string, actor: Actor): Result<'remove'>
}

/** @param changed called with the uid of an account that was changed here, before the change is acknowledged */
export function auditAccounts(
  accounts: Accounts,
  audit: Audit,
  changed: (uid: string) => void,
): AuditedAccounts {
  async function recorded<T>(
    type: EventType,
    uid: string,
    { uid: actor, ip, userAgent }: Actor,
    change: Promise<T>,
    happened: (result: T) => boolean,
  ): Promise<T> {
    const result = await change
    if (happened(result)) {
      changed(uid)
      audit({ type, actor, uid: canonicalName(uid), ip, userAgent })
    }
    return result
  }
  const isOk = ({ ok }: { ok: boolean }) => ok
  const isTrue = (known: boolean) => known

  return {
    find: accounts.find,
    findByLogin: accounts.findByLogin,
    authenticate: accounts.authenticate,
    checkPassword: accounts.checkPassword,
    list: accounts.list,
    ensureAdmin: accounts.ensureAdmin,

    create: (account, actor) =>
      recorded('account.created', account.uid, actor, accounts.create(account), isOk),
    update: (uid, change, actor) =>
      recorded('account.changed', uid, actor, accounts.update(uid, change), isOk),
    setPassword: (uid, password, actor, keepHandle) =>
      recorded(
        'account.password_changed',
        uid,
        actor,
        accounts.setPassword(uid, password, { keepHandle }),
        isOk,
      ),
    suspend: (uid, actor) => recorded('account.suspended', uid, actor, accounts.suspend(uid), isTrue),
    restore: (uid, actor) => recorded('account.restored', uid, actor, accounts.restore(uid), isTrue),
    signOutEverywhere: (uid, actor) =>
      recorded('account.signed_out', uid, actor, accounts.signOutEverywhere(uid), isTrue),
    remove: (uid, actor) => recorded('account.removed', uid, actor, accounts.remove(uid), isTrue),
  }
}
