/** `npm run geo`: fetches the free location database into the data folder. Ctrl-C keeps what has come so far. */
import { ConfigProblem, readConfig } from '../dist/config.js'
import { runGeoCommand } from '../dist/geo/command.js'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())
try {
  const { dataDir, geoPaths } = readConfig()
  const done = await runGeoCommand({ dataDir, geoPaths, screen: process.stdout, signal: stop.signal })
  process.exitCode = done ? 0 : 1
} catch (error) {
  if (!(error instanceof ConfigProblem)) throw error
  console.error(error.message)
  process.exitCode = 1
}
