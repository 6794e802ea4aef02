/** What is said of one token among many. */
import type { Decision, RefusalCode } from '../session.js'
import { type Static, Type } from '../typebox.js'

export const Verdict = Type.Union([
  Type.Object({
    active: Type.Literal(true),
    sub: Type.String({ description: 'The uid of its account' }),
    session: Type.String({ description: 'The handle of its session' }),
    kind: Type.Enum(['rotating', 'fixed', 'jwt']),
    roles: Type.Array(Type.String()),
    scopes: Type.Array(Type.String()),
    expiresAt: Type.Integer({ description: 'Seconds since the epoch' }),
  }),
  Type.Object({
    active: Type.Literal(false),
    code: Type.Unsafe<RefusalCode>({
      type: 'string',
      description:
        'Why not, in a word for machines: `malformed` or `forged` (no token of ours), `unknown`, `revoked`, `expired`, `suspended`, `replay` or `fork` (a copy), `reissue-limit`, `ahead`, `mismatch`',
    }),
  }),
])

/** @returns `decision` on a bare token as it goes over the wire */
export function verdictOf(decision: Decision): Static<typeof Verdict> {
  if (!decision.ok) return { active: false, code: decision.refusal.code }
  const { session, account } = decision
  if (session === undefined) return { active: false, code: 'malformed' }
  return {
    active: true,
    sub: account.uid,
    session: session.handle,
    kind: session.kind,
    roles: [...account.roles],
    scopes: [...session.scopes],
    expiresAt: Math.floor(session.expiresAt / 1000),
  }
}
