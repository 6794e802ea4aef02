/**
 * Things in the order in which they came, any of which may leave at any time. Each knows its neighbours: a `Set` of a hundred
 * thousand that come and go makes its table anew again and again, megabytes at once, which stay until all of the heap is looked through.
 * (In a list whose links are objects of their own, each would be one object more.)
 */

/** What stands in a row, and only in one at a time. */
export interface Standing<T> {
  row: Row<T> | undefined
  before: T | undefined
  after: T | undefined
}

export interface Row<T> {
  readonly size: number
  /** Who has stood in it for the longest. */
  readonly first: T | undefined
  /** Takes its place at the end; it must stand in no row. */
  join(one: T): void
  /** It must stand in this row. */
  leave(one: T): void
}

/** Makes a row in which nobody stands. */
export function createRow<T extends Standing<T>>(): Row<T> {
  let size = 0
  let first: T | undefined
  let last: T | undefined
  const row: Row<T> = {
    get size() {
      return size
    },
    get first() {
      return first
    },
    join(one) {
      one.row = row
      one.before = last
      if (last === undefined) first = one
      else last.after = one
      last = one
      size += 1
    },
    leave(one) {
      const { before, after } = one
      if (before === undefined) first = after
      else before.after = after
      if (after === undefined) last = before
      else after.before = before
      one.row = one.before = one.after = undefined
      size -= 1
    },
  }
  return row
}
