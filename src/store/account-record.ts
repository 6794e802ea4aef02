/**
 * Account ⇄ hash fields: the one place where their names are written on this side (`lua/present.lua` reads three, `lua/open.lua` all).
 *
 * | field | holds                                                                    |
 * |-------|--------------------------------------------------------------------------|
 * | `doc` | the account as JSON, everything of it that a dialect may show             |
 * | `pw`  | argon2id hash in PHC form; absent for accounts that sign in elsewhere      |
 * | `sus` | since when it is suspended, ms; absent when it is not                      |
 * | `nb`  | "not before": sessions created earlier are over, ms; absent = never used   |
 */
import type { Account } from '../account.js'

export const accountFields = { doc: 'doc', passwordHash: 'pw', suspendedAt: 'sus', notBefore: 'nb' } as const

/** @returns the JSON that `parseAccount` reads back */
export function formatAccount(account: Account): string {
  return JSON.stringify(account)
}

/** Reads what `formatAccount` wrote; it is our own writing, so it is not validated again. */
export function parseAccount(doc: string): Account {
  return JSON.parse(doc) as Account
}
