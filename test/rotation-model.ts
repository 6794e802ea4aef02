/**
 * The rotation machine as a pure function, written from the table in ARCHITECTURE.md and from nothing else: the oracle
 * that `rotation.test.ts` holds the scripts to. Times and durations are ms.
 */
import type { Mode, RotationPolicy } from '../src/session.js'

export interface Rotation {
  /** Highest generation handed out, when it last was, and how many branches of it. */
  c: number
  t: number
  k: number
  /** When c, c−1, c−2 were first presented; `a` is 0 when c was not. */
  a: number
  p: number
  o: number
  /** The branches of c, c−1, c−2, c−3 that were presented, NONE when unseen or unknown. */
  s: number
  q: number
  q2: number
  q3: number
}

export interface Claim {
  n: number
  b: number
  mode: Mode
  /** What the asking instance remembers to have handed out: generation and number of branches. */
  floor: readonly [c: number, k: number]
}

export type Verdict =
  | 'rotated'
  | 'reissued'
  | 'current'
  | 'accepted'
  | 'fork'
  | 'replay'
  | 'reissue-limit'
  | 'ahead'

export interface Judgement {
  verdict: Verdict
  /** Generation and branch to hand out; 0, 0 for none. */
  handOut: readonly [n: number, b: number]
  state: Rotation
  event: '' | 'repaired' | 'fast-forwarded'
  /** The rows of the table that spoke, in order. */
  rows: readonly number[]
}

export const NONE = -1
export const FURTHEST_AHEAD = 1_000_000

export const newborn = (now: number, c: number): Rotation => ({
  ...{ c, t: now, k: 1, a: 0, p: 0, o: 0 },
  ...{ s: NONE, q: NONE, q2: NONE, q3: NONE },
})

/** raise(m): what survived of the times is kept, only what the lost writes covered counts as first seen now. */
function raise(state: Rotation, m: number, now: number): Rotation {
  const { a, p, s, q, q2 } = state
  const fresh = { c: m, t: now, k: 1, a: 0, s: NONE }
  switch (m - state.c) {
    case 1:
      return { ...fresh, o: p, p: a || now, q: s, q2: q, q3: q2 }
    case 2:
      return { ...fresh, o: a || now, p: now, q: NONE, q2: s, q3: q }
    case 3:
      return { ...fresh, o: now, p: now, q: NONE, q2: NONE, q3: s }
    default:
      return { ...fresh, o: now, p: now, q: NONE, q2: NONE, q3: NONE }
  }
}

export function judge(before: Rotation, claim: Claim, policy: RotationPolicy, now: number): Judgement {
  const { n, b, mode } = claim
  const [floorC, floorK] = claim.floor
  const rows: number[] = []
  let event: Judgement['event'] = ''
  let state = before
  const say = (row: number, verdict: Verdict, handOut: Judgement['handOut'] = [0, 0]): Judgement => ({
    ...{ verdict, handOut, state, event },
    rows: [...rows, row],
  })

  const ahead = (time: number) => time - now > 1000
  if ([state.t, state.a, state.p, state.o].some(ahead)) {
    const back = (time: number) => (ahead(time) ? now : time)
    state = { ...state, t: back(state.t), a: back(state.a), p: back(state.p), o: back(state.o) }
    rows.push(2)
  }
  if (floorC > state.c || (floorC === state.c && floorK > state.k)) {
    state = floorC > state.c ? raise(state, floorC, now) : { ...state, t: now }
    state = { ...state, k: floorK }
    event = 'repaired'
    rows.push(3)
  }

  const age = state.c - n
  if (age < -FURTHEST_AHEAD) return say(4, 'ahead')
  if (age < 0) {
    state = { ...raise(state, n, now), s: b, a: now, k: b + 1 }
    event = 'fast-forwarded'
    return say(5, 'current')
  }

  const { c, t, a, p, o, k } = state
  const unseen = state.s === NONE
  if (age === 0) {
    if (unseen) {
      state = { ...state, s: b, a: now }
      rows.push(6)
    } else if (state.s !== b) return say(9, 'fork')
    const dueByTime = now - t >= policy.rotateAfterMs || (unseen && c === 1)
    if (mode === 'force' || (mode === 'rotate' && dueByTime)) {
      const { a: seenAt, s: branch } = state
      state = {
        ...state,
        c: c + 1,
        t: now,
        k: 1,
        a: 0,
        p: seenAt,
        o: p,
        s: NONE,
        q: branch,
        q2: state.q,
        q3: state.q2,
      }
      return say(8, 'rotated', [c + 1, 0])
    }
    return say(7, 'current')
  }

  if (age <= 3) {
    const slot = (['q', 'q2', 'q3'] as const)[age - 1] ?? 'q'
    if (state[slot] !== NONE && state[slot] !== b) return say(age === 1 ? 10 : 15, 'fork')
    state = { ...state, [slot]: b }
  }
  if (age === 1 && unseen) {
    if (mode === 'verify' || now - t <= policy.reissueAfterMs) return say(11, 'accepted')
    if (k > policy.reissues) return say(13, 'reissue-limit')
    state = { ...state, k: k + 1, t: now }
    return say(12, 'reissued', [c, k])
  }
  const successorSeenAt = [Number.NaN, a, p, o][age]
  if (successorSeenAt !== undefined && now - successorSeenAt <= policy.leewayMs)
    return say(age === 1 ? 14 : 15, 'accepted')
  return say(16, 'replay')
}
