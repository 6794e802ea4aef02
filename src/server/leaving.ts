/** How a process ends: once, in order (what was opened last is closed first), within a time. */
import { setTimeout as delay } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'

/** More than a request in flight may take, and an embedded Redis to write its file. */
const CLOSE_WITHIN_MS = 25_000

/** What the kernel says of a bug in the machine code. Who listens to these, returns into the bug, without end. */
const OF_BUGS = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV'] as const

/** What people and supervisors send. */
type Signal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGUSR2'

export interface Leaving {
  /** Closed in the end, the last first. */
  readonly opened: { close: () => Promise<unknown> }[]
  readonly begun: boolean
  /** Is called at once when it begins; what was opened is closed after it. */
  announce(how: () => void): void
  /** Ends the process with 0 when everything is closed, and with 1 when the time is over. Only the first call counts. */
  begin(drainMs?: number): void
  /** Ends it with 1 because it could not start: `say` gets the reason in words, unless the process is leaving anyway. */
  failed(error: unknown, say: (why: string) => unknown): Promise<never>
}

/** Begins by itself on an unexpected error, which ends the process with 1, and on the signals that are not in `except`. */
export function prepareLeaving(log: Logger, except: readonly Signal[]): Leaving {
  const opened: Leaving['opened'] = []
  let announce = (): void => {}
  let drainMs = 0
  let begun = false

  async function closeAll(): Promise<void> {
    for (const last of opened.splice(0).reverse()) await last.close()
  }

  const grace = closeWithGrace(
    { delay: CLOSE_WITHIN_MS, logger: log, skip: [...except, ...OF_BUGS] },
    async ({ err }) => {
      if (err !== undefined) log.fatal({ err }, 'an unexpected error')
      begun = true
      announce()
      await delay(drainMs)
      await closeAll()
    },
  )

  return {
    opened,
    get begun() {
      return begun
    },
    announce: (how) => {
      announce = how
    },
    begin(ms = 0) {
      if (begun) return
      drainMs = ms
      grace.close()
    },
    async failed(error, say) {
      if (begun) return new Promise(() => {}) // what failed was taken away by the one who ends the process
      await say(reasonOf(error))
      await closeAll()
      process.exit(1)
    },
  }
}

/** What a person is told of an error: its message, without a stack. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
