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

/** @returns the part of one presentation */
export function packPresentation(
  { n, b, uidHash = NOBODY }: Omit<Presentation, 'tag' | 'handle'>,
  mode: Mode,
  latest: HandOut | undefined,
): string {
  const { generation, branches } = latest ?? NOTHING
  return `${mode[0]}${five(n)}${two(b)}${five(generation)}${two(branches)}${uidHash}`
}

const NOTHING: HandOut = { generation: 0, branches: 0 }

// Decimals would have to be printed here and parsed there.
const five = (n: number): string =>
  String.fromCharCode(n >>> 28, (n >>> 21) & 127, (n >>> 14) & 127, (n >>> 7) & 127, n & 127)
const two = (n: number): string => String.fromCharCode(n >>> 7, n & 127)
