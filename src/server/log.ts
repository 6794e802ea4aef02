/** The log of a process: JSON lines, or text for people where standard output is a terminal. Each line is one write. */
import { type DestinationStream, type Logger, pino } from 'pino'
import type { Settings } from '../config.js'

export interface Logging {
  log: Logger
  /** Where the lines go, for loggers that others make. */
  stream: DestinationStream
}

/** Pids are left out for people, unless there are several. */
export async function openLog({
  logLevel,
  workers,
}: Pick<Settings, 'logLevel' | 'workers'>): Promise<Logging> {
  const stream = process.stdout.isTTY
    ? (await import('pino-pretty')).default({ sync: true, ignore: workers > 1 ? 'hostname' : 'pid,hostname' })
    : pino.destination({ sync: true })
  return { log: pino({ level: logLevel }, stream), stream }
}
