/**
 * Accounts that are not parsed again: the sessions of one come with the same document again and again. It is compared with the
 * one that was parsed as the bytes that Redis sends, so that neither a text nor its hash is made of it.
 */
import { randomInt } from 'node:crypto'
import type { Account } from '../account.js'
import { makeRoom } from '../make-room.js'
import { parseAccount } from './account-record.js'

interface Known {
  doc: Buffer
  account: Account
}

/** Accounts; those with long documents are parsed each time, so that this takes 10 MB at most. */
const REMEMBERED = 10_000
const LONGEST_REMEMBERED = 1_000
/** So many bytes of a document tell most accounts from others, since the id stands first. Two that they do not are parsed in turn. */
const TELLING_BYTES = 64

/** @returns reads an account's document. @throws SyntaxError when it is none */
export function createAccountReader(): (doc: Buffer) => Account {
  const known = new Map<number, Known>()
  const factor = 2 * randomInt(2 ** 30) + 1 // nobody can choose names that take each other's place

  function numberOf(doc: Buffer): number {
    let number = 0
    const end = Math.min(doc.length, TELLING_BYTES)
    for (let i = 0; i < end; i++) number = (Math.imul(number, factor) + (doc[i] ?? 0)) | 0
    return number
  }

  return (doc) => {
    const number = numberOf(doc)
    const found = known.get(number)
    if (found?.doc.equals(doc)) return found.account
    const account = parseAccount(doc.toString())
    if (doc.length > LONGEST_REMEMBERED) return account
    known.set(number, { doc: Buffer.from(doc), account }) // a copy: it came as a part of all that was read at once
    makeRoom(known, REMEMBERED)
    return account
  }
}
