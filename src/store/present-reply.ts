/** What `lua/present.lua` replies to the presentations of one call. Its own header is where the bytes are described. */
import type { Kind } from '../session.js'
import { type Facts, scopesIn } from './record.js'

/** The facts of all that were accepted; then for each presentation the document of its account, or its refusal. */
export type PresentReply = [facts: Buffer, ...replies: (Buffer | RefusedReply)[]]

/** As `Refusal`, in the same order. */
type RefusedReply = [verdict: Buffer, ...why: (Buffer | Facts<Buffer>)[]]

export type Refusal =
  | [verdict: 'unknown' | 'mismatch' | 'expired' | 'suspended']
  | [verdict: 'revoked', why: Buffer]
  | [verdict: 'fault', error: Buffer]
  | [
      verdict: 'fork' | 'replay' | 'reissue-limit' | 'ahead',
      event: Buffer,
      doc: Buffer,
      facts: Facts<Buffer>,
      lastUse: Buffer,
    ]

/** The words of a refusal are the script's own. */
export function readRefusal([verdict, ...why]: RefusedReply): Refusal {
  return [verdict.toString(), ...why] as Refusal
}

const VERDICTS = { r: 'rotated', i: 'reissued', c: 'current', a: 'accepted' } as const
const KINDS = { r: 'rotating', f: 'fixed', j: 'jwt' } as const satisfies Record<string, Kind>
type Verdict = (typeof VERDICTS)[keyof typeof VERDICTS]
/** How what Redis knew of the session was raised before the judgement, if it was. */
export type Event = '' | 'repaired' | 'fast-forwarded'

/** Goes from one acceptance to the next; what it has found of one stands until then. Times are ms. */
export class AcceptedFacts {
  verdict: Verdict = 'accepted'
  kind: Kind = 'fixed'
  /** What to hand out. */
  n = 0
  b = 0
  ageMs = 0
  remainingMs = 0
  createdAt = 0
  expiresAt = 0
  endsAt = 0
  event: Event = ''
  scopes: readonly string[] = []
  #at = 0

  constructor(private readonly bytes: Buffer) {}

  /** @throws RangeError when there is none */
  next(): this {
    this.verdict = VERDICTS[this.#letter() as keyof typeof VERDICTS] // the script's own, as the others
    this.kind = KINDS[this.#letter() as keyof typeof KINDS]
    this.n = this.#unsigned(4)
    this.b = this.#unsigned(1)
    this.ageMs = this.#double()
    this.remainingMs = this.#double()
    this.createdAt = this.#double()
    this.expiresAt = this.#double()
    this.endsAt = this.#double()
    this.event = this.#text(this.#unsigned(1)) as Event
    this.scopes = scopesIn(this.#text(this.#unsigned(4)))
    return this
  }

  #letter(): string {
    return String.fromCharCode(this.#unsigned(1))
  }

  #unsigned(length: 1 | 4): number {
    const value = this.bytes.readUIntLE(this.#at, length)
    this.#at += length
    return value
  }

  #double(): number {
    const value = this.bytes.readDoubleLE(this.#at)
    this.#at += 8
    return value
  }

  #text(length: number): string {
    if (length === 0) return ''
    const start = this.#at
    this.#at += length
    return this.bytes.toString('utf8', start, this.#at)
  }
}
