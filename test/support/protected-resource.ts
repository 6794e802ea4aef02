/** A service behind Countersign, like those of every team: it knows nothing of tokens and lets Countersign judge them. */
import type { Test } from 'tap'
import { createForwarder, startServer } from './faulty-network.js'

/** What it asks: `rotating` lets the token be replaced on the way, `verifying` does not. */
const questions = {
  rotating: { method: 'GET', path: '/auth/validate_token' },
  verifying: { method: 'POST', path: '/token/verify' },
} as const

/**
 * Answers `{"secret":true}` to whoever Countersign takes for signed in, with the status and the headers (tokens, CORS)
 * that Countersign has answered with.
 *
 * @returns its origin
 */
export function startProtectedResource(
  t: Test,
  countersign: string,
  question: keyof typeof questions,
): Promise<string> {
  const forward = createForwarder(t)
  return startServer(t, async ({ method, headers }) => {
    const { 'content-length': _, 'content-type': __, 'transfer-encoding': ___, ...passed } = headers
    const ask = { ...questions[question], ...(method === 'OPTIONS' && { method }), headers: passed }
    const answered = await forward(countersign, ask, Buffer.alloc(0))
    if (answered.status !== 200) return answered
    const body = Buffer.from(JSON.stringify({ secret: true }))
    return { ...answered, headers: { ...answered.headers, 'content-length': String(body.length) }, body }
  })
}
