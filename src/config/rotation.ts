/** How tokens rotate: a profile, and what overrides it. */
import type { RotationPolicy } from '../session.js'
import { readTimeSpan } from './formats.js'
import type { Variables } from './schema.js'

const REISSUE_AFTER_MS = 60_000
const REISSUES = 8

/** Durations in ms, as in the table of `RotationPolicy`. */
const profiles = {
  default: { rotateAfterMs: 5_000, leewayMs: 10_000 },
  devise: { rotateAfterMs: 5_000, leewayMs: 5_000 },
  'slow-network': { rotateAfterMs: 15_000, leewayMs: 30_000 },
  sequential: { rotateAfterMs: 0, leewayMs: 0 },
} as const satisfies Record<Variables['COUNTERSIGN_ROTATION'], Partial<RotationPolicy>>

/** A leeway that is set must be at most twice the gap; one that comes from the profile is cut to that. */
export function readRotation(values: Variables, problems: string[]): RotationPolicy {
  const profile = profiles[values.COUNTERSIGN_ROTATION]
  const { COUNTERSIGN_ROTATE_AFTER, COUNTERSIGN_LEEWAY, COUNTERSIGN_REISSUE_AFTER } = values
  const rotateAfterMs = span(COUNTERSIGN_ROTATE_AFTER, profile.rotateAfterMs)
  const leewayMs = span(COUNTERSIGN_LEEWAY, Math.min(profile.leewayMs, 2 * rotateAfterMs))
  if (leewayMs > 2 * rotateAfterMs)
    problems.push(
      `COUNTERSIGN_LEEWAY must be at most twice COUNTERSIGN_ROTATE_AFTER (here ${(2 * rotateAfterMs) / 1000} s), because only so many superseded tokens are remembered to tell a late request from a copied token`,
    )
  return {
    rotateAfterMs,
    leewayMs,
    reissueAfterMs: span(COUNTERSIGN_REISSUE_AFTER, REISSUE_AFTER_MS),
    reissues: REISSUES,
    onReplay: values.COUNTERSIGN_ON_REPLAY ?? 'revoke',
  }
}

const span = (given: string | undefined, otherwise: number): number =>
  given === undefined ? otherwise : readTimeSpan(given)
