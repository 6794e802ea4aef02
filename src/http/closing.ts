/** Leaves no connection behind that nobody uses: a gateway keeps its own for longer than a process may take to stop. */
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

const LOOK_MS = 25
/** For a request that is on its way to where its client has just opened a connection. */
const SILENT_MS = 500
/** For a request to arrive, as at other times (`http.ts`): a server that closes does not look at its own bounds any more. */
const LATEST_MS = 15_000

/**
 * From the moment that `app` begins to close, its connections end as soon as their last request is answered. Fastify
 * itself ends only those that are idle at that moment; the others would live until their keep-alive runs out. One that was opened
 * for later use is not idle by Node's reckoning before its first request, and would hold the end up for as long as its client
 * likes; so would one whose request never comes to its end.
 *
 * @param connections those of `app.server`
 */
export function endConnections(
  app: FastifyInstance,
  connections: ReadonlySet<Socket>,
  latestMs = LATEST_MS,
): void {
  app.addHook('preClose', async () => {
    const startedAt = performance.now()
    const timer = setInterval(() => {
      const sinceMs = performance.now() - startedAt
      app.server.closeIdleConnections()
      if (sinceMs > latestMs) app.server.closeAllConnections()
      else if (sinceMs > SILENT_MS) for (const one of connections) if (one.bytesRead === 0) one.destroy()
    }, LOOK_MS).unref()
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
