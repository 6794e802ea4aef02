/**
 * What sessions share: user agents by their hash, locations by their address. Each is stored once and referred to by
 * what the session's own record holds anyway, so that a session costs a few bytes of either, not a copy.
 */
import { LRUCache } from 'lru-cache'
import type { KnownLocation, Location } from '../location.js'
import type { RedisClient } from './connect.js'
import { orUnavailable } from './faults.js'
import { locationIdKey, locationKey, userAgentKey } from './keys.js'
import { userAgentHash } from './record.js'

/** Longer than any session may be idle, so that what a session refers to is there as long as it is. */
const KEPT_SECONDS = 200 * 86_400
/** An address may move: one that is still in use is looked up again after this. */
const FRESH_MS = 30 * 86_400_000
/** What this instance saved so lately is not saved again. */
const SAVED_LATELY = { max: 10_000, ttl: 10 * 60_000 }
/** Nothing sane is longer; the rest of a flood is cut off. */
const LONGEST_USER_AGENT = 512

export interface SharedFacts {
  /** @throws StoreUnavailable, as all of them */
  saveUserAgents(userAgents: Iterable<string>): Promise<void>
  /** User agents by hash; those that are not known are missing. */
  readUserAgents(hashes: Iterable<string>): Promise<Map<string, string>>
  /** Locations by address, with whether they are new enough not to be looked up again. */
  readLocations(ips: Iterable<string>): Promise<Map<string, { location: KnownLocation; fresh: boolean }>>
  /** Stores locations; one whose address was stored before keeps the id that it had. */
  saveLocations(locations: readonly (Location & { id?: number | undefined })[]): Promise<void>
}

/** The user agent as it is stored and hashed. */
export const cutUserAgent = (userAgent: string): string => userAgent.slice(0, LONGEST_USER_AGENT)

/** Keeps the facts in one Redis. */
export function createSharedFacts({ redis }: { redis: RedisClient }): SharedFacts {
  const saved = new LRUCache<string, true>(SAVED_LATELY)
  /** Keys lie in many Cluster slots: single commands, sent together, are one round trip each way. */
  const readAll = async (keys: readonly string[]) =>
    orUnavailable(Promise.all(keys.map((key) => redis.get(key))))

  return {
    async saveUserAgents(userAgents) {
      const missing = [...userAgents].filter((userAgent) => !saved.has(userAgent))
      const saving = missing.map((userAgent) =>
        redis.set(userAgentKey(userAgentHash(userAgent)), userAgent, 'EX', KEPT_SECONDS),
      )
      await orUnavailable(Promise.all(saving))
      for (const userAgent of missing) saved.set(userAgent, true)
    },

    async readUserAgents(hashes) {
      const wanted = [...hashes]
      const texts = await readAll(wanted.map(userAgentKey))
      return new Map(wanted.flatMap((hash, i) => (texts[i] ? [[hash, texts[i]] as const] : [])))
    },

    async readLocations(ips) {
      const wanted = [...ips]
      const texts = await readAll(wanted.map(locationKey))
      return new Map(
        wanted.flatMap((ip, i) => {
          const location = parseLocation(ip, texts[i])
          return location === undefined
            ? []
            : [[ip, { location, fresh: Date.now() - location.locatedAt < FRESH_MS }] as const]
        }),
      )
    },

    async saveLocations(locations) {
      const unnumbered = locations.filter(({ id }) => id === undefined).length
      let last = unnumbered === 0 ? 0 : await orUnavailable(redis.incrby(locationIdKey, unnumbered))
      const saving = locations.map(({ id, ...location }) =>
        id === undefined
          ? // Another instance may have been quicker: its id stays.
            redis.set(locationKey(location.ip), formatLocation(location, last--), 'EX', KEPT_SECONDS, 'NX')
          : redis.set(locationKey(location.ip), formatLocation(location, id), 'EX', KEPT_SECONDS),
      )
      await orUnavailable(Promise.all<unknown>(saving))
    },
  }
}

/** An array without names: a location is stored for each address, and should cost little more than its words. */
function formatLocation(location: Location, id: number): string {
  const { type, continentCode, continentName, countryCode, countryName, regionCode, regionName } = location
  const { city, postalCode, latitude, longitude, timeZone } = location
  const region = [continentCode, continentName, countryCode, countryName, regionCode, regionName]
  const values = [
    id,
    Date.now(),
    type === 'ipv4' ? 4 : 6,
    ...region,
    city,
    postalCode,
    latitude,
    longitude,
    timeZone,
  ]
  return JSON.stringify(values.map((value) => value ?? ''))
}

function parseLocation(ip: string, text: string | null | undefined): KnownLocation | undefined {
  if (!text) return undefined
  const values = JSON.parse(text) as (string | number)[] // our own writing, by formatLocation
  const word = (i: number) => (typeof values[i] === 'string' && values[i] !== '' ? values[i] : undefined)
  const number = (i: number) => (typeof values[i] === 'number' ? values[i] : undefined)
  return {
    ip,
    id: Number(values[0]),
    locatedAt: Number(values[1]),
    type: values[2] === 4 ? 'ipv4' : 'ipv6',
    continentCode: word(3),
    continentName: word(4),
    countryCode: word(5),
    countryName: word(6),
    regionCode: word(7),
    regionName: word(8),
    city: word(9),
    postalCode: word(10),
    latitude: number(11),
    longitude: number(12),
    timeZone: word(13),
  }
}
