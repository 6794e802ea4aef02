/**
 * What is known of tokens, the oldest of it forgotten when it is too much. A look costs little, and touches little memory: the
 * key is a number, made of a token's last characters. Those belong to its MAC or signature, which is as good as random; of two
 * tokens in which they give the same number (one in billions of pairs), the later is known. The whole token is compared when
 * it is found; how the number is made is secret, so that nobody can aim at an entry to learn its token by the time that takes.
 */
import { randomInt } from 'node:crypto'
import { makeRoom } from './make-room.js'

export interface TokenMap<Entry> {
  get(token: string): Entry | undefined
  /** Takes the place of what was known of its token, and is the newest. */
  add(entry: Entry): void
  delete(token: string): void
  readonly size: number
}

const TELLING_CHARACTERS = 8

/** @returns makes a number of the characters of a token that end before `end` */
export function createNumbering(): (token: string, end: number) => number {
  const factor = 2 * randomInt(2 ** 30) + 1
  return (token, end) => {
    let number = 0
    for (let i = end - TELLING_CHARACTERS; i < end; i++)
      number = (Math.imul(number, factor) + token.charCodeAt(i)) | 0
    return number
  }
}

/** Makes a map of at most `most` entries. */
export function createTokenMap<Entry extends { presented: string }>(most: number): TokenMap<Entry> {
  const entries = new Map<number, Entry>()
  const numberAt = createNumbering()
  const numberOf = (token: string) => numberAt(token, token.length)

  return {
    get(token) {
      const entry = entries.get(numberOf(token))
      // Not `entry?.presented`: once it has met undefined there, V8 takes a slower way to compare texts.
      return entry !== undefined && entry.presented === token ? entry : undefined
    },
    add(entry) {
      const number = numberOf(entry.presented)
      entries.delete(number)
      entries.set(number, entry)
      makeRoom(entries, most)
    },
    delete(token) {
      entries.delete(numberOf(token))
    },
    get size() {
      return entries.size
    },
  }
}
