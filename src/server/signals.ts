/** What people and supervisors tell the process that they have started. */
import type { Logger } from 'pino'
import type { Leaving } from './leaving.js'

/** What gateways get, on SIGTERM, to see on `/readyz` that they should send requests elsewhere; Ctrl-C does not wait. */
const DRAIN_MS = 1_000
/** npm repeats the Ctrl-C that the terminal has sent to us already: a second one so soon is the first. */
const SAME_SIGNAL_MS = 500

export const handled = ['SIGINT', 'SIGTERM'] as const

/** Leaves in order on the first of `handled`, and at once on the second. */
export function leaveOnSignals(leaving: Leaving, log: Pick<Logger, 'info'>): void {
  let firstAt: number | undefined
  for (const signal of handled)
    process.on(signal, () => {
      if (firstAt !== undefined && performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(1)
      if (firstAt !== undefined) return
      firstAt = performance.now()
      log.info(`stopping on ${signal}; once more to stop at once`)
      leaving.begin(signal === 'SIGTERM' ? DRAIN_MS : 0)
    })
}
