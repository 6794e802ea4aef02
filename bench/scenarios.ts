/** All requests that are measured beside the floor, in the order of the table. */
import type { Scenario } from './scenario.js'
import { batch } from './scenarios/batch.js'
import { forged } from './scenarios/forged.js'
import { introspection } from './scenarios/introspection.js'
import { jwts } from './scenarios/jwt.js'
import { lists } from './scenarios/list.js'
import { locatedRotate, locatedVerify } from './scenarios/located.js'
import { mixed } from './scenarios/mixed.js'
import { opening } from './scenarios/opening.js'
import { peers } from './scenarios/peers.js'
import { rotate } from './scenarios/rotate.js'
import { signIn } from './scenarios/sign-in.js'
import { validate } from './scenarios/validate.js'
import { forwardAuths, tokenVerify, verify } from './scenarios/verify.js'
import { verifyMiss } from './scenarios/verify-miss.js'

export const scenarios: readonly Scenario[] = [
  verify,
  ...forwardAuths,
  tokenVerify,
  validate,
  verifyMiss,
  rotate,
  forged,
  ...jwts,
  introspection,
  batch,
  ...lists,
  signIn,
  opening,
  mixed,
  locatedVerify,
  locatedRotate,
  ...peers,
]
