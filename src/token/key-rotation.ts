/**
 * How the keys of the ring take turns. Pure: a ring and the time go in, the ring that should be comes out.
 *
 *     next ──(published for `leadMs`, and due)──► current ──(its successor signs)──► retired ──(tokens expired)──► gone
 *
 * A key is published before it signs, so that whoever caches the JWKS knows it when its first token arrives; and it
 * verifies until the last token that it may have signed has expired. There is always a next key standing by.
 */
import type { JsonWebKey } from 'node:crypto'
import type { JwtAlgorithm, PairAlgorithm } from './signing-keys.js'
import { generateSigningJwk, kidOf, publicPartOf } from './signing-keys.js'

export interface RingKey {
  kid: string
  alg: PairAlgorithm
  state: 'next' | 'current' | 'retired'
  /** When it entered its state, ms by the clock of Redis. */
  since: number
  /** The longest life of a token that it may have signed, ms. */
  lifeMs: number
  /** Private until it retires, public from then on: what no longer signs is not kept. */
  jwk: JsonWebKey
}

export interface RotationTimes {
  /** How long a key signs. */
  periodMs: number
  /** How long a key is published before it signs: longer than a JWKS takes to reach whoever verifies with it. */
  leadMs: number
  /** The longest life of a JWT. */
  lifeMs: number
}

export interface Plan {
  /** The configured algorithm. With `HS256` the ring has no keys, and those of an earlier configuration retire. */
  alg: JwtAlgorithm
  /**
   * Whether this instance looks at the ring for the first time. Only then does its configuration change an existing
   * ring: otherwise two instances that differ, as in a rolling deployment, would undo each other for ever.
   */
  starting: boolean
  times: RotationTimes
}

/** @returns the ring as it should be; `ring` itself when it is as it should be, so that nothing needs to be written */
export async function turn(ring: readonly RingKey[], nowMs: number, plan: Plan): Promise<readonly RingKey[]> {
  const { alg, starting, times } = plan
  const keys = ring
    .filter((key) => key.state !== 'retired' || nowMs < key.since + key.lifeMs + times.leadMs)
    .map((key) => (starting ? withLife(key, times.lifeMs) : key))
  let current = keys.find((key) => key.state === 'current')
  let next = keys.find((key) => key.state === 'next')
  const retired = keys.filter((key) => key.state === 'retired')

  if (alg === 'HS256') {
    if (starting) {
      if (current !== undefined) retired.unshift(retire(current, nowMs))
      current = next = undefined
    }
  } else {
    const make = (alg: PairAlgorithm, state: RingKey['state']) => makeKey(alg, state, nowMs, times.lifeMs)
    current ??= await make(alg, 'current')
    if (starting && next?.alg !== alg) next = undefined
    if (next !== undefined && isDue(current, next, nowMs, times)) {
      retired.unshift(retire(current, nowMs))
      current = { ...next, state: 'current', since: nowMs }
      next = undefined
    }
    next ??= await make(starting ? alg : current.alg, 'next')
  }

  const turned = [current, next, ...retired].filter((key) => key !== undefined)
  const isSettled = turned.length === ring.length && turned.every((key, index) => key === ring[index])
  return isSettled ? ring : turned
}

/** A change of algorithm does not wait for the end of the period, but it too is published first. */
function isDue(current: RingKey, next: RingKey, nowMs: number, times: RotationTimes): boolean {
  if (nowMs < next.since + times.leadMs) return false
  return next.alg !== current.alg || nowMs >= current.since + times.periodMs
}

async function makeKey(
  alg: PairAlgorithm,
  state: RingKey['state'],
  since: number,
  lifeMs: number,
): Promise<RingKey> {
  const jwk = await generateSigningJwk(alg)
  return { kid: kidOf(jwk), alg, state, since, lifeMs, jwk }
}

function retire(key: RingKey, nowMs: number): RingKey {
  return { ...key, state: 'retired', since: nowMs, jwk: publicPartOf(key.jwk) }
}

/** Longer lives than before are allowed now; shorter ones do not shorten the lives of tokens that are out already. */
function withLife(key: RingKey, lifeMs: number): RingKey {
  return key.state === 'retired' || key.lifeMs >= lifeMs ? key : { ...key, lifeMs }
}
