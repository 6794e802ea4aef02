/**
 * What is known of tokens, the oldest of it forgotten when it is too much. A look costs little, and touches little memory: the key is a
 * number, made of a token's last characters. Those belong to its MAC or signature, which is as good as random; of two tokens
 * in which they give the same number (one in billions of pairs), the later is known. The whole token is compared when it is found.
 */
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
  /** Goes on from where it was: to look for the first anew is to step over all that were deleted. */
  const oldest = entries.keys()

  return {
    get(token) {
      const entry = entries.get(numberOf(token))
      return entry?.presented === token ? entry : undefined
    },
    add(entry) {
      const number = numberOf(entry.presented)
      entries.delete(number) // so that it comes last
      entries.set(number, entry)
      if (entries.size > most) entries.delete(oldest.next().value as number) // the first of several
    },
    delete(token) {
      entries.delete(numberOf(token))
    },
    get size() {
      return entries.size
    },
  }
}

function numberOf(token: string): number {
  let number = 0
  for (let i = token.length - TELLING_CHARACTERS; i < token.length; i++)
    number = (Math.imul(number, 31) + token.charCodeAt(i)) | 0
  return number
}
