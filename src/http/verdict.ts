/** What is said of one token among many. */
import type { Decision, RefusalCode } from '../session.js'
import { type Static, Type } from '../typebox.js'

declare module '../session.js' {
  interface Lasting {
    /** The verdict that it is, as JSON: among many sessions each string of it would be a cache miss. */
    verdict: string | undefined
  }
}

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

/** @returns a `Verdict` as JSON: `decision` on a bare token as it goes over the wire */
export function verdictOf(decision: Decision): string {
  if (!decision.ok) return refused(decision.refusal.code)
  const { session, account, lasting } = decision
  if (lasting?.verdict !== undefined) return lasting.verdict
  if (session === undefined) return refused('malformed')
  const verdict = rendered({
    active: true,
    sub: account.uid,
    session: session.handle,
    kind: session.kind,
    roles: [...account.roles],
    scopes: [...session.scopes],
    expiresAt: Math.floor(session.expiresAt / 1000),
  })
  if (lasting !== undefined) lasting.verdict = verdict
  return verdict
}

const rendered = (verdict: Static<typeof Verdict>): string => JSON.stringify(verdict)
const refused = (code: RefusalCode): string => rendered({ active: false, code })
