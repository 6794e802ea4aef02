import { open } from 'node:fs/promises'
import { type CityResponse, Reader } from 'maxmind'
import type { PublicAddress } from './address.js'
import { firstRecord, lookAround } from './probe.js'
import { type Place, placeReader } from './record.js'

/** One location database, whole in memory. */
export interface Database {
  path: string
  /** What its metadata calls it, such as `GeoLite2-City`. */
  type: string
  /** ms since the epoch. */
  builtAt: number
  /** The kinds of address that it has records for. */
  covers: ReadonlySet<PublicAddress['type']>
  /** @throws on a damaged record, which no check at opening can exclude */
  lookup(address: PublicAddress): Place | undefined
}

/** Why a file cannot be used, as the end of a sentence that starts with its name. */
export type Opened = { ok: true; database: Database } | { ok: false; problem: string }

/** Metadata starts with this, in the last 128 KiB of the file (MaxMind DB specification 2.0). */
const metadataMarker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
const metadataMaxBytes = 128 * 1024

/**
 * Reads a MaxMind DB file and tries it before anybody relies on it: form, a first record of each kind of address, and
 * lookups all over the address space.
 */
export async function openDatabase(path: string): Promise<Opened> {
  let bytes: Buffer | string
  try {
    bytes = await readWhole(path)
  } catch (error) {
    return { ok: false, problem: `cannot be read (${reason(error)})` }
  }
  if (typeof bytes === 'string') return { ok: false, problem: bytes }
  try {
    return tryOut(path, bytes)
  } catch (error) {
    return { ok: false, problem: `is damaged (${reason(error)})` }
  }
}

/** @returns the bytes, or why they are not to be trusted */
async function readWhole(path: string): Promise<Buffer | string> {
  const file = await open(path)
  try {
    const before = await file.stat()
    const bytes = await file.readFile()
    const after = await file.stat()
    if (bytes.length === 0) return 'is empty'
    if (bytes.length !== after.size || before.mtimeMs !== after.mtimeMs) return 'is still being written'
    return bytes
  } finally {
    await file.close()
  }
}

function tryOut(path: string, bytes: Buffer): Opened {
  if (bytes.readUInt16BE() === 0x1f8b) return { ok: false, problem: 'is compressed; unpack it first' }
  // The library looks for the marker byte by byte through the whole file, which takes long when there is none.
  if (!bytes.subarray(-metadataMaxBytes).includes(metadataMarker))
    return { ok: false, problem: 'is no MaxMind DB file, or not the whole of one' }
  const reader = new Reader<CityResponse>(bytes)
  const { databaseType: type, ipVersion, searchTreeSize, buildEpoch } = reader.metadata
  const separator = bytes.subarray(searchTreeSize, searchTreeSize + 16)
  const builtAt = buildEpoch.getTime()
  if (separator.length < 16 || separator.some((byte) => byte !== 0))
    throw new Error('no end of the search tree')
  if (Number.isNaN(builtAt) || typeof type !== 'string') throw new Error('no type or no build date')

  const samples = {
    ipv4: firstRecord(reader, 32),
    ipv6: ipVersion === 6 ? firstRecord(reader, 128) : undefined,
  }
  lookAround(reader, 32)
  if (ipVersion === 6) lookAround(reader, 128)
  const sample = samples.ipv4 ?? samples.ipv6
  const read = sample === undefined ? undefined : placeReader(type, sample)
  if (read === undefined) return { ok: false, problem: `holds no locations (its type is "${type}")` }

  const covers = new Set((['ipv4', 'ipv6'] as const).filter((kind) => samples[kind] !== undefined))
  const lookup = ({ ip, type }: PublicAddress): Place | undefined => {
    // Without this an IPv6 address would be read in an IPv4 tree by its first 32 bits, and found in a wrong place.
    const record = covers.has(type) ? reader.get(ip) : null
    return record === null ? undefined : read(record)
  }
  return { ok: true, database: { path, type, builtAt, covers, lookup } }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
