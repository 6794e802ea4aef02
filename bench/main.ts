/** `npm run bench`: measures the built service and prints one table. */
import { bench } from './run.js'

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.abort(new Error(`stopped by ${signal}`)))

process.exitCode = await bench({
  args: process.argv.slice(2),
  print: console.log,
  progressTo: process.stderr,
  signal: stopping.signal,
})
