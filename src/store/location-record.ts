/**
 * Location ⇄ Redis. There is one for each address, so it is small: 26 bytes, and the words, which a city's addresses
 * have in common, once under their hash.
 *
 *     id:4 ‖ located at, ms:6 ‖ hash of the words:8 ‖ latitude, longitude, 1/10000°:4+4
 */
import { hash } from 'node:crypto'
import type { KnownLocation, Location } from '../location.js'

const BYTES = 26
const ID = 0
const LOCATED_AT = 4
const NAME_HASH = 10
const NAME_HASH_BYTES = 8
const LATITUDE = 18
const LONGITUDE = 22
const DEGREE = 10_000
/** No degree is that large. */
const UNKNOWN = -0x80000000

/** @returns the words of a location, as one text */
export function placeNameOf(location: Location): string {
  const { continentCode, continentName, countryCode, countryName, regionCode, regionName } = location
  const { city, postalCode, timeZone } = location
  const region = [continentCode, continentName, countryCode, countryName, regionCode, regionName]
  return JSON.stringify([...region, city, postalCode, timeZone].map((word) => word ?? ''))
}

/** @returns 11 characters of base64url */
export function placeNameHash(name: string): string {
  return Buffer.from(hash('sha256', name, 'hex').slice(0, 2 * NAME_HASH_BYTES), 'hex').toString('base64url')
}

/** @returns what is stored of a location itself; its words are stored by `placeNameHash` */
export function packLocation(location: KnownLocation): Buffer {
  const packed = Buffer.alloc(BYTES)
  packed.writeUInt32BE(location.id, ID)
  packed.writeUIntBE(location.locatedAt, LOCATED_AT, NAME_HASH - LOCATED_AT)
  packed.write(placeNameHash(placeNameOf(location)), NAME_HASH, 'base64url')
  packed.writeInt32BE(packDegrees(location.latitude), LATITUDE)
  packed.writeInt32BE(packDegrees(location.longitude), LONGITUDE)
  return packed
}

/** @returns where the words are, and the location once they are there. @throws RangeError when it is none of ours */
export function unpackLocation(
  ip: string,
  packed: Buffer,
): { nameHash: string; withName(name: string): KnownLocation } {
  const longitude = unpackDegrees(packed.readInt32BE(LONGITUDE))
  return {
    nameHash: packed.toString('base64url', NAME_HASH, NAME_HASH + NAME_HASH_BYTES),
    withName: (name) => ({
      ...readWords(name),
      ip,
      type: ip.includes(':') ? 'ipv6' : 'ipv4',
      id: packed.readUInt32BE(ID),
      locatedAt: packed.readUIntBE(LOCATED_AT, NAME_HASH - LOCATED_AT),
      latitude: unpackDegrees(packed.readInt32BE(LATITUDE)),
      longitude,
    }),
  }
}

function readWords(name: string) {
  const words = JSON.parse(name) as string[] // our own writing, by placeNameOf
  const word = (i: number) => words[i] || undefined
  return {
    continentCode: word(0),
    continentName: word(1),
    countryCode: word(2),
    countryName: word(3),
    regionCode: word(4),
    regionName: word(5),
    city: word(6),
    postalCode: word(7),
    timeZone: word(8),
  }
}

const packDegrees = (degrees: number | undefined): number =>
  degrees === undefined ? UNKNOWN : Math.round(degrees * DEGREE)

const unpackDegrees = (packed: number): number | undefined =>
  packed === UNKNOWN ? undefined : packed / DEGREE
