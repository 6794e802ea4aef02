/**
 * Passwords: argon2id off the event loop, a bounded number at a time, and a short memory of what was right, so that
 * Basic authentication does not cost a hash on every request.
 *
 * What is remembered goes by account, stored hash and password. As the stored hash, salt included, is part of the name, an
 * entry cannot outlive a change of the password, not even one that another instance made. Only successes are remembered: a
 * wrong guess always costs a hash.
 */
import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { hash as argon2Hash, verify as argon2Verify, type Options } from '@node-rs/argon2'
import { createLanes } from './lanes.js'
import { createSecretMemory } from './secret-memory.js'

/** NIST SP 800-63B 5.1.1.2: at least 8 characters, and room for at least 64. */
export const shortestPassword = 8
export const longestPassword = 128
/** What is longer is no password of ours; bounds the cost of normalising and hashing what anybody may send. */
const MAX_PASSWORD_BYTES = 1024

/** OWASP's first recommendation for argon2id (which is the library's default algorithm): 19 MiB, two passes, one thread. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const satisfies Options

/** libuv has four threads unless told otherwise; one stays free for name look-ups and files. */
const MAX_LANES = 3
/** A hash takes about 20 ms, 40 ms on a busy machine: the last in the queue waits well under a second. */
const WAITING_PER_LANE = 16

export interface Passwords {
  /** @returns a salted argon2id hash in PHC form. @throws Overloaded */
  hash(password: string): Promise<string>
  /**
   * Whether `password` is the one behind `storedHash`. Without a stored hash the answer is no and costs the same.
   *
   * @param owner the canonical name that is signing in
   * @throws Overloaded
   */
  verify(owner: string, storedHash: string | undefined, password: string): Promise<boolean>
  /** Drops what is remembered of `owner`. */
  forget(owner: string): void
  /** For metrics: totals since the start, and what is going on now. */
  counts(): PasswordCounts
}

export interface PasswordCounts {
  hashes: number
  remembered: number
  running: number
  waiting: number
}

export interface PasswordLimits {
  /** Hashes computed at once. */
  lanes?: number
  /** Processes that share the machine's cores and do the same. */
  processes?: number
  /** Hashes that may wait for a lane; one more is refused. */
  waiting?: number
  rememberMs?: number
}

/**
 * The form that is hashed. NFKC, as NIST SP 800-63B asks: the same keys typed on another system, or through an input
 * method that writes full-width letters, are the same password. Spaces count: nothing is trimmed.
 */
function normalise(password: string): string {
  return password.normalize('NFKC')
}

/** @returns why `password` may not be set, worded as devise does (`is too short …`), or undefined when it may */
export function passwordProblem(password: string): string | undefined {
  const tooLong = `is too long (maximum is ${longestPassword} characters)`
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return tooLong
  const { length } = Array.from(normalise(password))
  if (length > longestPassword) return tooLong
  if (length < shortestPassword) return `is too short (minimum is ${shortestPassword} characters)`
  return undefined
}

/** @returns what tells the password behind `storedHash` from the account's next: the salt of the PHC string, drawn for each */
export const passwordMark = (storedHash: string): string => storedHash.split('$')[4] ?? ''

/** 130 random bits as 26 characters that nobody mistakes for one another (no i, l, o, u). */
export function generatePassword(): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
  return Array.from(randomBytes(26), (byte) => alphabet[byte % alphabet.length]).join('')
}

/** A random hash in PHC form: no password has it, and to compare one with it takes the time of every comparison. */
function nobodysHash(): string {
  const { memoryCost, timeCost, parallelism } = ARGON2
  const [salt, hash] = [16, 32].map((bytes) => randomBytes(bytes).toString('base64').replace(/=+$/, ''))
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${salt}$${hash}`
}

/** Hashes and checks passwords. */
export function createPasswords(limits: PasswordLimits = {}): Passwords {
  const cores = Math.floor(availableParallelism() / (limits.processes ?? 1))
  const laneCount = limits.lanes ?? Math.min(Math.max(cores, 1), MAX_LANES)
  const lanes = createLanes('password hashing', laneCount, limits.waiting ?? laneCount * WAITING_PER_LANE)
  const { nameOf, known: remembered } = createSecretMemory<string>(limits.rememberMs)
  const underway = new Map<string, Promise<boolean>>()
  /** Stands in for accounts that do not exist or have no password. */
  const standIn = nobodysHash()
  let hashes = 0
  let hits = 0

  function compare(storedHash: string, password: string): Promise<boolean> {
    return lanes.run(() => {
      hashes++
      return argon2Verify(storedHash, normalise(password))
    })
  }

  return {
    hash(password) {
      return lanes.run(() => {
        hashes++
        return argon2Hash(normalise(password), ARGON2)
      })
    },

    async verify(owner, storedHash, password) {
      if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false
      const key = nameOf(owner, storedHash ?? null, password)
      if (remembered.get(key) !== undefined) {
        hits++
        return true
      }
      let right = underway.get(key)
      if (right === undefined) {
        right = compare(storedHash ?? standIn, password).finally(() => underway.delete(key))
        underway.set(key, right)
      }
      if (!(await right) || storedHash === undefined) return false
      remembered.set(key, owner)
      return true
    },

    forget(owner) {
      for (const [key, rememberedOwner] of remembered.entries())
        if (rememberedOwner === owner) remembered.delete(key)
    },

    counts: () => ({ hashes, remembered: hits, running: lanes.running, waiting: lanes.waiting }),
  }
}
