/**
 * What is known of tokens, the oldest of it forgotten when it is too much. A look costs little, and touches little memory: the
 * key is a number, made of a token's last characters. Those belong to its MAC or signature, which is as good as random; of two
 * tokens in which they give the same number (one in billions of pairs), the later is known. The whole token is compared when
 * it is found; how the number is made is secret, so that nobody can aim at an entry to learn its token by the time that takes.
 */
import { randomInt } from 'node:crypto'

export interface TokenMap<Entry> {
  get(token: string): Entry | undefined
  /** Takes the place of what was known of its token, and is the newest. */
  add(entry: Entry): void
  delete(token: string): void
  readonly size: number
}

const TELLING_CHARACTERS = 8

/** Makes a map of at most `most` entries. */
export function createTokenMap<Entry extends { presented: string }>(most: number): TokenMap<Entry> {
  const entries = new Map<number, Entry>()
  /** So many make room at once: to find the oldest is to step over all that were deleted before it. */
  const crowd = Math.ceil(most / 256)
  const factor = 2 * randomInt(2 ** 30) + 1

  function numberOf(token: string): number {
    let number = 0
    for (let i = token.length - TELLING_CHARACTERS; i < token.length; i++)
      number = (Math.imul(number, factor) + token.charCodeAt(i)) | 0
    return number
  }

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
      if (entries.size <= most) return
      let left = crowd
      for (const oldest of entries.keys()) {
        entries.delete(oldest)
        if (--left === 0) return
      }
    },
    delete(token) {
      entries.delete(numberOf(token))
    },
    get size() {
      return entries.size
    },
  }
}
