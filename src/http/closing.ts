/** Leaves no connection behind that nobody uses: a gateway keeps its own for longer than a process may take to stop. */
import type { FastifyInstance } from 'fastify'

const LOOK_MS = 25

/**
 * From the moment that `app` begins to close, its connections end as soon as their last request is answered. Fastify
 * itself ends only those that are idle at that moment; the others would live until their keep-alive runs out.
 */
export function endIdleConnections(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), LOOK_MS).unref()
    app.server.once('close', () => clearInterval(timer))
  })
}

/** What a service does before it closes, so that its clients go elsewhere in time. */
export interface Drain {
  begin(): void
  readonly begun: boolean
}

/**
 * Once begun, every answer is the last of its connection and says so (RFC 9112 section 9.6): a client that is told opens
 * its next one elsewhere, where one that finds its connection closed may have lost a request on it.
 */
export function prepareDrain(app: FastifyInstance): Drain {
  let begun = false
  return {
    begin() {
      if (begun) return
      begun = true
      app.server.prependListener('request', (_request, response) => {
        response.setHeader('connection', 'close')
      })
    },
    get begun() {
      return begun
    },
  }
}
