/** `npm run bench`: measures the built service and prints one table. */
import { fileURLToPath } from 'node:url'
import { bench } from './run.js'

/** From `dist-bench/bench/`. */
const root = fileURLToPath(new URL('../../', import.meta.url))

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.abort(new Error(`stopped by ${signal}`)))

process.exitCode = await bench({
  args: process.argv.slice(2),
  root,
  entry: `${root}dist/server.js`,
  resultsDir: `${root}bench/results`,
  print: console.log,
  progressTo: process.stderr,
  signal: stopping.signal,
})
