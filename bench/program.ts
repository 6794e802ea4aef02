/** A measuring program: its arguments, the terminal, and an early end on a signal. */
import type { Run } from './run.js'

/** Runs `main`, whose result becomes the exit code; what it has started ends with it, also when it is stopped. */
export async function asProgram(main: (run: Run) => Promise<number>): Promise<void> {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stopping.abort(new Error(`stopped by ${signal}`)))
  process.exitCode = await main({
    args: process.argv.slice(2),
    print: console.log,
    progressTo: process.stderr,
    signal: stopping.signal,
  })
}
