/** `npm run geo`: fetches the free location database into the data folder. Ctrl-C keeps what has come so far. */
import { join, resolve } from 'node:path'
import { ConfigProblem, readConfig } from './config.js'
import { dbIp } from './geo/attribution.js'
import { showProgress } from './geo/progress.js'
import { fetchGeo, type InstalledGeo } from './geo-fetch.js'

/** @returns whether the latest database is there */
async function fetchAndTell(): Promise<boolean> {
  const { dataDir, geoPaths } = readConfig()
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const fetched = await fetchGeo({ dataDir, signal: stop.signal, onProgress: showProgress(process.stdout) })
  if (!fetched.ok) {
    console.error(`No new location database: ${fetched.problem}.`)
    return false
  }
  const dir = join(dataDir, 'geo')
  console.log(`${fetched.fresh ? 'Installed' : 'Up to date'} in ${dir}: ${describe(fetched.installed)}`)
  console.log(`${dbIp.text} (${dbIp.url}), CC BY 4.0: name it where you show its results; the console does.`)
  if (!geoPaths.some((path) => resolve(path) === resolve(dir)))
    console.log(`It is not in use: COUNTERSIGN_GEO_DB names ${geoPaths.join(', ')}.`)
  return true
}

function describe({ version, builtAt, files }: InstalledGeo): string {
  const bytes = Object.values(files).reduce((sum, size) => sum + size, 0)
  const names = Object.keys(files).join(', ')
  return `${names} (${(bytes / 1e6).toFixed(1)} MB), version ${version}, built ${builtAt.slice(0, 10)}`
}

try {
  if (!(await fetchAndTell())) process.exitCode = 1
} catch (error) {
  if (!(error instanceof ConfigProblem)) throw error
  console.error(error.message)
  process.exitCode = 1
}
