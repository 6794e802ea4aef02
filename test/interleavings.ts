/**
 * Random lives of one account's sessions: several tabs, lost, late and doubled answers, clock steps, sign-outs, lost Redis
 * writes, restarts, forgotten and hostile tokens. A scenario is data, so that fast-check can shrink and replay it; what
 * is relative in it ("the token of tab 2", "one ms before the leeway ends") is resolved against the model.
 */
import fc from 'fast-check'
import type { Kind, Mode, RotationPolicy } from '../src/session.js'

export const SLOTS = 5
export const TABS = 3

export type Ask = {
  slot: number
  /** This slot even when its session is gone. */
  exactly: boolean
  tab: number
  mode: Mode
  /** Which of two instances is asked; each remembers what it handed out. */
  instance: number
  answer: 'now' | 'late' | 'lost'
  claimed: 'nobody' | 'owner' | 'stranger'
}

export type Step =
  | { do: 'ask'; asks: Ask[] }
  /** A token that no tab holds: `ahead` of c by so many generations, branch `b`. */
  | { do: 'forge'; slot: number; ahead: number; b: number; mode: Mode; instance: number }
  /** A late answer arrives in a tab, whatever came meanwhile. */
  | { do: 'deliver'; slot: number; tab: number; which: number }
  | { do: 'copy'; slot: number; from: number; to: number }
  | { do: 'step'; ms: number }
  /** On to a moment at which the machine changes its mind, or a ms beside it. */
  | { do: 'until'; slot: number; mark: Mark; offset: number }
  | {
      do: 'open'
      slot: number
      kind: Kind
      scopes: string
      description: string
      cap: number
      linger: boolean
      /** What it rests on; a number is the slot of a session. */
      by: 'nobody' | 'password' | 'old password' | number
    }
  /** A record goes though its account's set still names it. */
  | { do: 'vanish'; slot: number }
  | { do: 'revoke'; slot: number; claimed: Ask['claimed'] }
  | { do: 'revokeAll'; except: number | undefined }
  | { do: 'list'; only: number | undefined }
  | { do: 'touch'; slot: number; ageMs: number; use: number[] }
  | { do: 'subscribe'; slot: number; claimed: Ask['claimed']; sealed: string; only: string }
  | { do: 'account'; becomes: AccountChange }
  | { do: 'snapshot' }
  /** Redis comes back as it was at the last snapshot but `depth`. */
  | { do: 'crash'; depth: number }
  | { do: 'restart'; instance: number }

/** `password`: has another one from here on. */
export type AccountChange = 'suspended' | 'restored' | 'cut-off' | 'removed' | 'password'

export type Mark = 'G' | 'Y' | 'Za' | 'Zp' | 'Zo' | 'slide' | 'later' | 'e' | 'x'

export interface Scenario {
  policy: RotationPolicy
  steps: Step[]
}

const policies: readonly RotationPolicy[] = [
  { rotateAfterMs: 5000, leewayMs: 10_000, reissueAfterMs: 60_000, reissues: 8, onReplay: 'revoke' },
  { rotateAfterMs: 5000, leewayMs: 5000, reissueAfterMs: 6000, reissues: 1, onReplay: 'revoke' },
  { rotateAfterMs: 2000, leewayMs: 4000, reissueAfterMs: 3000, reissues: 1, onReplay: 'reject' },
  { rotateAfterMs: 0, leewayMs: 10_000, reissueAfterMs: 0, reissues: 3, onReplay: 'reject' },
]

const slot = fc.integer({ min: 0, max: SLOTS - 1 })
/** Most of what happens happens to one session: stories need to go on. */
const busySlot = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: slot })
const tab = fc.integer({ min: 0, max: TABS - 1 })
const instance = fc.integer({ min: 0, max: 1 })
const mode = fc.constantFrom<Mode>('rotate', 'rotate', 'rotate', 'verify', 'force')
const claimed = fc.constantFrom<Ask['claimed']>('nobody', 'nobody', 'owner', 'owner', 'owner', 'stranger')
const ask: fc.Arbitrary<Ask> = fc.record({
  slot: busySlot,
  exactly: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.boolean() }),
  tab,
  mode,
  instance,
  answer: fc.constantFrom('now', 'now', 'now', 'late', 'lost'),
  claimed: fc.oneof(
    { weight: 6, arbitrary: fc.constant<Ask['claimed']>('nobody') },
    { weight: 1, arbitrary: claimed },
  ),
})
const use = fc.oneof(
  fc.constant(Array<number>(6).fill(0)),
  fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 10, maxLength: 10 }),
  fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 22, maxLength: 22 }),
)

function step<D extends Step['do']>(
  name: D,
  weight: number,
  fields: { [F in keyof Omit<Extract<Step, { do: D }>, 'do'>]: fc.Arbitrary<Extract<Step, { do: D }>[F]> },
) {
  // A record of arbitraries gives the record; that their keys match is checked by the mapped type above.
  const arbitrary = fc.record({ do: fc.constant(name), ...fields }) as unknown as fc.Arbitrary<Step>
  return { weight, arbitrary }
}

const anyStep = fc.oneof(
  step('ask', 30, { asks: fc.array(ask, { minLength: 1, maxLength: 4 }) }),
  step('forge', 4, {
    slot: busySlot,
    ahead: fc.constantFrom(-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 1_000_000, 1_000_001),
    b: fc.constantFrom(0, 1, 2, 250),
    mode,
    instance,
  }),
  step('deliver', 5, { slot: busySlot, tab, which: fc.nat(3) }),
  step('copy', 4, { slot: busySlot, from: tab, to: tab }),
  step('step', 8, {
    ms: fc.constantFrom(
      1,
      100,
      2500,
      5000,
      10_000,
      61_000,
      40_000_000,
      -1,
      -1000,
      -1001,
      -20_000,
      -3_600_000,
    ),
  }),
  step('until', 16, {
    slot: busySlot,
    mark: fc.constantFrom<Mark>(
      'G',
      'G',
      'G',
      'Y',
      'Y',
      'Za',
      'Zp',
      'Zo',
      'slide',
      'later',
      'later',
      'e',
      'x',
    ),
    offset: fc.constantFrom(-1, 0, 0, 1),
  }),
  step('open', 8, {
    slot,
    kind: fc.constantFrom<Kind>('rotating', 'rotating', 'fixed', 'jwt'),
    scopes: fc.constantFrom('', 'read', 'read write'),
    description: fc.constantFrom('', 'build', 'deploy'),
    cap: fc.constantFrom(1, 2, 3, 10),
    linger: fc.boolean(),
    by: fc.oneof(
      { weight: 5, arbitrary: fc.constant('nobody' as const) },
      { weight: 2, arbitrary: fc.constantFrom('password' as const, 'old password' as const) },
      { weight: 2, arbitrary: busySlot },
    ),
  }),
  step('vanish', 1, { slot }),
  step('revoke', 1, { slot, claimed }),
  step('revokeAll', 1, { except: fc.option(slot, { nil: undefined }) }),
  step('list', 2, { only: fc.option(slot, { nil: undefined }) }),
  step('touch', 4, { slot: busySlot, ageMs: fc.constantFrom(0, 0, 1, 30_000, 50_000_000), use }),
  step('subscribe', 1, {
    slot: busySlot,
    claimed: fc.constantFrom<Ask['claimed']>('owner', 'owner', 'owner', 'owner', 'stranger'),
    sealed: fc.constantFrom('', '', 'one', 'other'),
    only: fc.constantFrom('', 'one'),
  }),
  step('account', 2, {
    becomes: fc.constantFrom<AccountChange>(
      'suspended',
      'restored',
      'restored',
      'cut-off',
      'cut-off',
      'removed',
      'password',
    ),
  }),
  step('snapshot', 6, {}),
  step('crash', 5, { depth: fc.constantFrom(0, 0, 1, 2) }),
  step('restart', 2, { instance }),
)

/** Begins with a session that is open, so that something can happen. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  policy: fc.constantFrom(policies[0], ...policies),
  steps: fc.array(anyStep, { minLength: 4, maxLength: 40, size: 'max' }).map((steps) => [
    ...[
      {
        do: 'open',
        slot: 0,
        kind: 'rotating',
        scopes: '',
        description: '',
        cap: 3,
        linger: false,
        by: 'nobody',
      } as const,
    ],
    ...steps,
  ]),
}) as fc.Arbitrary<Scenario>
