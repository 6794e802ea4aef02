/** What `lua/present.lua` is told of the presentations of one call. Its own header is where the characters are described. */
import type { Mode } from '../session.js'
import type { HandOut } from './hand-outs.js'

/** A token's claim, proved by its MAC. */
export interface Presentation {
  tag: string
  handle: string
  n: number
  b: number
  /** The account that the client names beside the token: the session must be one of its. */
  uidHash?: string | undefined
}

const NOBODY = ' '.repeat(16)

/**
 * @returns the part of one presentation. Its numbers are below 2^32, in digits of seven bits: decimals would have to be printed here
 * and parsed there.
 */
export function packPresentation(
  { n, b, uidHash = NOBODY }: Omit<Presentation, 'tag' | 'handle'>,
  mode: Mode,
  latest: HandOut | undefined,
): string {
  const c = latest?.generation ?? 0
  const k = latest?.branches ?? 0
  // biome-ignore format: a number a line
  const packed = String.fromCharCode(
    mode.charCodeAt(0),
    n >>> 28, (n >>> 21) & 127, (n >>> 14) & 127, (n >>> 7) & 127, n & 127,
    b >>> 7, b & 127,
    c >>> 28, (c >>> 21) & 127, (c >>> 14) & 127, (c >>> 7) & 127, c & 127,
    k >>> 7, k & 127,
  )
  return packed + uidHash
}
