/**
 * What is known of tokens, some of it forgotten when it is too much. With many sessions a look costs as much as the memory that it
 * touches: the place of an entry in a table that is never more than half full, and the entry. (A `Map` of a hundred thousand
 * looks at four places. It makes its table anew, megabytes at once, whenever as much has come and gone as there is.)
 *
 * The place is told by a number, made of the token's last characters. Those belong to its MAC or signature, which is as good as
 * random. The whole token is compared where the number is found; how it is made is secret, so that nobody can aim at an
 * entry to learn its token by the time that takes.
 */
import { randomInt } from 'node:crypto'

/** Something known of a token. */
export interface Known {
  /** The whole token. */
  presented: string
  /** The map's own business. */
  number: number
}

export interface TokenMap<Entry> {
  get(token: string): Entry | undefined
  /** Takes the place of what was known of its token. It must be in no other map. */
  add(entry: Entry): void
  delete(token: string): void
  readonly size: number
}

const TELLING_CHARACTERS = 8
/** 2^32 by the golden ratio: the upper bits of a product with it depend on all bits of the other factor. */
const GOLDEN = 0x9e3779b1

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

/**
 * Makes a map of at most `most` entries; its table is as long from the beginning as it will ever be. Who is forgotten is drawn:
 * a hand goes round the table, and places are as good as random. That serves as well as to forget the oldest, which would have
 * to know its neighbours.
 */
export function createTokenMap<Entry extends Known>(most: number): TokenMap<Entry> {
  const bits = Math.ceil(Math.log2(2 * most + 2))
  const mask = 2 ** bits - 1
  const table = new Array<Entry | undefined>(mask + 1).fill(undefined)
  const numberAt = createNumbering()
  const homeOf = (number: number) => Math.imul(number, GOLDEN) >>> (32 - bits)
  let size = 0
  let hand = 0

  /** @returns where the entry of a token is, or the first free place behind its home, where it would be */
  function placeOf(token: string, number: number): number {
    for (let place = homeOf(number); ; place = (place + 1) & mask) {
      const entry = table[place]
      if (entry === undefined || (entry.number === number && entry.presented === token)) return place
    }
  }

  function remove(place: number): void {
    if (table[place] === undefined) return
    size -= 1
    // What stands behind it and could not have its home moves up: between an entry and its home no place is free.
    let free = place
    for (let next = (free + 1) & mask; ; next = (next + 1) & mask) {
      const other = table[next]
      if (other === undefined) break
      if (((next - homeOf(other.number)) & mask) < ((next - free) & mask)) continue
      table[free] = other
      free = next
    }
    table[free] = undefined
  }

  function makeRoom(): void {
    if (size < most || size === 0) return
    while (table[hand] === undefined) hand = (hand + 1) & mask
    remove(hand)
  }

  return {
    get: (token) => table[placeOf(token, numberAt(token, token.length))],
    add(entry) {
      const { presented } = entry
      entry.number = numberAt(presented, presented.length)
      const place = placeOf(presented, entry.number)
      if (table[place] !== undefined) {
        table[place] = entry
        return
      }
      makeRoom()
      table[placeOf(presented, entry.number)] = entry
      size += 1
    },
    delete: (token) => remove(placeOf(token, numberAt(token, token.length))),
    get size() {
      return size
    },
  }
}
