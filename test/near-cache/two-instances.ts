/** Two instances on one Redis: what the one changes, the other must hear of. */
import type { Test } from 'tap'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { startRedis } from '../support/redis.js'
import { startService } from '../support/service.js'

/** For as long as the near-cache promises to answer at most when it hears nothing. */
export const LEASE_MS = 1_000
/** Two services on one machine with others at work: a moment beyond the bound is theirs, not ours. */
export const SLACK_MS = 250

/** Both share their keys, and end with the test. */
export async function startTwo(t: Test) {
  const redis = await startRedis(t)
  const env = { COUNTERSIGN_KEYS: generateMasterKeys() }
  return { redis, here: await startService(t, { redis, env }), there: await startService(t, { redis, env }) }
}
