/** The log of a process: JSON lines, or text for people where standard output is a terminal. Each line is one write. */
import { type Logger, pino } from 'pino'
import type { Settings } from '../config.js'

/** Pids are left out for people, unless there are several. */
export async function openLog({
  logLevel,
  workers,
}: Pick<Settings, 'logLevel' | 'workers'>): Promise<Logger> {
  const stream = process.stdout.isTTY
    ? (await import('pino-pretty')).default({ sync: true, ignore: workers > 1 ? 'hostname' : 'pid,hostname' })
    : pino.destination({ sync: true })
  return pino({ level: logLevel }, stream)
}
