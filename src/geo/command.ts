import { join, resolve } from 'node:path'
import { dbIp } from './attribution.js'
import { type FetchGeoOptions, fetchGeo, type InstalledGeo } from './fetch.js'
import { type Screen, showProgress } from './progress.js'

export interface GeoCommandOptions extends Omit<FetchGeoOptions, 'onProgress'> {
  /** Where the service looks for databases. */
  geoPaths: readonly string[]
  screen: Screen
}

/**
 * What `npm run geo` does: fetches the free location database and says so.
 *
 * @returns whether the latest one is there now
 */
export async function runGeoCommand({ geoPaths, screen, ...options }: GeoCommandOptions): Promise<boolean> {
  const say = (line: string) => screen.write(`${line}\n`)
  const fetched = await fetchGeo({ ...options, onProgress: showProgress(screen) })
  if (!fetched.ok) {
    say(`No new location database: ${fetched.problem}.`)
    return false
  }
  const dir = join(options.dataDir, 'geo')
  say(`${fetched.fresh ? 'Installed' : 'Up to date'} in ${dir}: ${describe(fetched.installed)}`)
  say(`${dbIp.text} (${dbIp.url}), CC BY 4.0: name it where you show its results; the console does.`)
  if (!geoPaths.some((path) => resolve(path) === resolve(dir)))
    say(`It is not in use: COUNTERSIGN_GEO_DB names ${geoPaths.join(', ')}.`)
  return true
}

function describe({ version, builtAt, files }: InstalledGeo): string {
  const bytes = Object.values(files).reduce((sum, size) => sum + size, 0)
  const names = Object.keys(files).join(', ')
  return `${names} (${(bytes / 1e6).toFixed(1)} MB), version ${version}, built ${builtAt.slice(0, 10)}`
}
