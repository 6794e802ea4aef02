/**
 * Where addresses are: location databases in memory, read again when they change on disk. Whatever happens to the
 * files, `locate` answers from the last good ones.
 *
 * Files are watched by looking at them every few seconds rather than by the system's notifications: that sees
 * replaced folders, network file systems and mounted volumes alike. A file is read once it has looked the same twice,
 * so one that is being copied is left alone; what is read is tried out before it counts; and the databases in use are
 * one array, exchanged by one assignment.
 */
import type { Logger } from 'pino'
import { publicAddress } from './geo/address.js'
import { type Attribution, attribution } from './geo/attribution.js'
import { type Database, openDatabase } from './geo/database.js'
import { type Files, sameFiles, scan } from './geo/scan.js'
import type { Location } from './location.js'

export interface Geo {
  /**
   * @param ip in any spelling; need not be an address at all
   * @returns undefined for what is no public address, for unknown places, and while the feature is off; never throws
   */
  locate(ip: string): Location | undefined
  /** Whether there is a database to ask. */
  readonly enabled: boolean
  /** When the oldest database in use was built, in ms since the epoch. */
  readonly builtAt: number | undefined
  /** What the licences of the databases in use want shown beside their results. */
  readonly attributions: readonly Attribution[]
  /** Stops watching and lets go of the databases. */
  close(): void
}

export interface GeoOptions {
  /** Databases (`.mmdb`), or folders of them. They need not exist yet. */
  paths: readonly string[]
  log: Pick<Logger, 'info' | 'warn'>
  /** How often the files are looked at. */
  pollMs?: number
}

/** What is known of one path. */
interface Slot {
  /** As `scan` saw the file when it was last read; undefined once it is gone. */
  signature: string | undefined
  /** The last good one. */
  database: Database | undefined
}

/** Opens what there is of `paths` and keeps watching them. No file is no fault: the feature is off until one appears. */
export async function openGeo({ paths, log, pollMs = 5000 }: GeoOptions): Promise<Geo> {
  const slots = new Map<string, Slot>()
  const told = new Set<string>()
  let inUse: readonly Database[] = []
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function warnOnce(text: string): void {
    if (!told.has(text)) log.warn(text)
    told.add(text)
  }

  async function read(files: Files): Promise<void> {
    for (const [path, signature] of files) {
      const slot = slots.get(path)
      if (slot?.signature === signature) continue
      const opened = await openDatabase(path)
      if (closed) return
      const database = opened.ok ? opened.database : slot?.database
      slots.set(path, { signature, database })
      if (opened.ok) log.info(`location database ${path}: ${describe(opened.database)}`)
      else log.warn(`${path} ${opened.problem}${database ? '; the one in memory stays in use' : ''}`)
    }
    retire(files)
    const known = [...slots.values()]
    const here = known.filter(({ signature }) => signature !== undefined)
    const gone = known.filter(({ signature }) => signature === undefined)
    inUse = [here, gone].flatMap((some) => some.flatMap(({ database }) => database ?? []).sort(byPreference))
  }

  /** A database whose file is gone stays in use until the others know all its kinds of address. */
  function retire(files: Files): void {
    const here = [...slots].flatMap(([path, { database }]) => (files.has(path) && database ? database : []))
    for (const [path, slot] of slots) {
      if (files.has(path)) continue
      const kinds = [...(slot.database?.covers ?? [])]
      if (kinds.every((kind) => here.some(({ covers }) => covers.has(kind)))) slots.delete(path)
      else if (slot.signature !== undefined) {
        slot.signature = undefined
        log.warn(`${path} is gone; the database in memory stays in use`)
      }
    }
  }

  let seen = await scan(paths, warnOnce)
  await read(seen)
  if (inUse.length === 0) {
    const where = paths.join(', ')
    log.info(
      `no location database in ${where}: sessions show no location (\`npm run geo\` fetches a free one)`,
    )
  }

  async function poll(): Promise<void> {
    const now = await scan(paths, warnOnce)
    if (sameFiles(seen, now)) await read(now)
    seen = now
  }
  function watch(): void {
    if (closed) return
    const next = () =>
      poll()
        .catch((fault) => warnOnce(`location databases: ${fault}`))
        .finally(watch)
    timer = setTimeout(next, pollMs).unref()
  }
  watch()

  return {
    locate(ip) {
      const address = publicAddress(ip)
      if (address === undefined) return undefined
      for (const database of inUse) {
        try {
          const place = database.lookup(address)
          if (place !== undefined) return { ...address, ...place }
        } catch {
          warnOnce(`${database.path} is damaged: some addresses cannot be looked up`)
        }
      }
      return undefined
    },
    get enabled() {
      return inUse.length > 0
    },
    get builtAt() {
      return inUse.length > 0 ? Math.min(...inUse.map((database) => database.builtAt)) : undefined
    },
    get attributions() {
      return [...new Set(inUse.flatMap((database) => attribution(database) ?? []))]
    },
    close() {
      closed = true
      clearTimeout(timer)
      inUse = []
      slots.clear()
    },
  }
}

/** The first one that knows an address answers for it: cities before countries, the newest first; what is gone, last. */
function byPreference(a: Database, b: Database): number {
  const countryOnly = ({ type }: Database) => Number(/country/i.test(type))
  return countryOnly(a) - countryOnly(b) || b.builtAt - a.builtAt || a.path.localeCompare(b.path)
}

function describe({ type, builtAt, covers }: Database): string {
  return `${type}, ${[...covers].join(' and ')}, built ${new Date(builtAt).toISOString().slice(0, 10)}`
}
