/** At its first start on a machine, a service that manages its own data fetches the free location database by itself. */
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { type FetchedGeo, type FetchGeoOptions, fetchGeo } from '../geo/fetch.js'

export interface FirstDatabaseOptions {
  dataDir: string
  /** Where databases are looked for; nothing is fetched when they are said to be elsewhere. */
  geoPaths: readonly string[]
  log: Pick<Logger, 'info' | 'warn'>
  fetch?: (options: FetchGeoOptions) => Promise<FetchedGeo>
}

export interface BackgroundFetch {
  /** Resolves when there is nothing left to do, however it went. */
  finished: Promise<void>
  /** Stops the download; the next start goes on from there. */
  close(): Promise<void>
}

/**
 * Returns at once and never fails; the watcher of `openGeo` finds what has come. What is there already, however it got
 * there, is left alone: `npm run geo` updates it.
 *
 */
export function fetchFirstDatabase(options: FirstDatabaseOptions): BackgroundFetch {
  const stopping = new AbortController()
  const fetching = fetchUnlessThere(options, stopping.signal).catch((err) =>
    options.log.warn({ err }, 'the location database could not be fetched'),
  )
  return {
    finished: fetching,
    async close() {
      stopping.abort()
      await fetching
    },
  }
}

async function fetchUnlessThere(
  { dataDir, geoPaths, log, fetch = fetchGeo }: FirstDatabaseOptions,
  signal: AbortSignal,
): Promise<void> {
  const dir = join(dataDir, 'geo')
  if (geoPaths.length !== 1 || resolve(geoPaths[0] ?? '') !== resolve(dir)) return
  const there = await readdir(dir).catch((): string[] => [])
  if (there.some((name) => name.endsWith('.mmdb')) || signal.aborted) return
  log.info('fetching the free DB-IP location database in the background (64 MB, once)')
  const fetched = await fetch({ dataDir, signal })
  if (signal.aborted) return
  if (fetched.ok)
    log.info(`fetched the DB-IP location database ${fetched.installed.version}: IP Geolocation by DB-IP`)
  else log.warn(`no location database, going on without: ${fetched.problem}`)
}
