/** Leaves no connection behind that nobody uses: a gateway keeps its own for longer than a process may take to stop. */
import type { FastifyInstance } from 'fastify'

const LOOK_MS = 25

/**
 * From the moment that `app` begins to close, its connections end as soon as their last request is answered. Fastify
 * itself ends only those that are idle at that moment; the others would live until their keep-alive runs out.
 */
export function endIdleConnections(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), LOOK_MS)
    app.server.once('close', () => clearInterval(timer))
    if (!app.server.listening) clearInterval(timer)
  })
}
