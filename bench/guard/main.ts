/** `npm run bench:guard`. */
import { guard } from './guard.js'

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.abort(new Error(`stopped by ${signal}`)))

process.exitCode = await guard({
  args: process.argv.slice(2),
  print: console.log,
  progressTo: process.stderr,
  signal: stopping.signal,
})
