/**
 * What is known of tokens, some of it forgotten when it is too much. With many sessions a look costs as much as the memory that it
 * touches, and as the processor has to wait for one piece after another. So tables are small, though never more than four fifths
 * full, and stand side by side: an entry and its token are fetched at the same time. (A `Map` of a hundred thousand looks at four
 * places, each told by the one before. It makes its table anew, megabytes at once, whenever as much has come and gone as there is.)
 *
 * The place is told by a number, made of the token's last characters. Those belong to its MAC or signature, which is as good as
 * random. The whole token is compared where the number is found; how it is made is secret, so that nobody can aim at an
 * entry to learn its token by the time that takes.
 */
import { randomInt } from 'node:crypto'

/** Something known of a token. */
export interface Known {
  /** The whole token. */
  readonly presented: string
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
  const bits = Math.ceil(Math.log2(1.25 * (most + 1)))
  const mask = 2 ** bits - 1
  /** 0 where there is nothing. */
  const numbers = new Int32Array(mask + 1)
  const tokens = new Array<string | undefined>(mask + 1).fill(undefined)
  const entries = new Array<Entry | undefined>(mask + 1).fill(undefined)
  const numberAt = createNumbering()
  const numberOf = (token: string) => numberAt(token, token.length) || 1
  const homeOf = (number: number) => Math.imul(number, GOLDEN) >>> (32 - bits)
  let size = 0
  let hand = 0

  /** @returns where the entry of a token is, or the first free place behind its home, where it would be */
  function placeOf(token: string, number: number): number {
    for (let place = homeOf(number); ; place = (place + 1) & mask) {
      const found = numbers[place]
      if (found === 0) return place
      // That the entry says so too is no news, but it is on its way from memory then, while the token is compared.
      if (found === number && entries[place]?.number === number && tokens[place] === token) return place
    }
  }

  function put(place: number, entry: Entry | undefined): void {
    numbers[place] = entry?.number ?? 0
    tokens[place] = entry?.presented
    entries[place] = entry
  }

  function remove(place: number): void {
    if (entries[place] === undefined) return
    size -= 1
    // What stands behind it and could not have its home moves up: between an entry and its home no place is free.
    let free = place
    for (let next = (free + 1) & mask; ; next = (next + 1) & mask) {
      const other = entries[next]
      if (other === undefined) break
      if (((next - homeOf(other.number)) & mask) < ((next - free) & mask)) continue
      put(free, other)
      free = next
    }
    put(free, undefined)
  }

  function makeRoom(): void {
    if (size < most || size === 0) return
    while (entries[hand] === undefined) hand = (hand + 1) & mask
    remove(hand)
  }

  return {
    get: (token) => entries[placeOf(token, numberOf(token))],
    add(entry) {
      const { presented } = entry
      entry.number = numberOf(presented)
      if (entries[placeOf(presented, entry.number)] === undefined) {
        makeRoom()
        size += 1
      }
      put(placeOf(presented, entry.number), entry)
    },
    delete: (token) => remove(placeOf(token, numberOf(token))),
    get size() {
      return size
    },
  }
}
