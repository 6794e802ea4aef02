/**
 * What sessions share: user agents by their hash, locations by their address. Each is stored once and referred to by
 * what the session's own record holds anyway, so that a session costs a few bytes of either, not a copy.
 */
import type { KnownLocation, Location } from '../location.js'
import type { RedisClient } from './connect.js'
import { orUnavailable } from './faults.js'
import { locationIdKey, locationKey, placeNameKey, userAgentKey } from './keys.js'
import { packLocation, placeNameHash, placeNameOf, unpackLocation } from './location-record.js'
import { userAgentHash } from './packed-use.js'
import { createSharedTexts } from './shared-texts.js'

/** Longer than any session may be idle, so that what a session refers to is there as long as it is. */
const KEPT_SECONDS = 200 * 86_400
const PLACE_NAMES_KEPT_SECONDS = KEPT_SECONDS + 86_400
/** An address may move: one that is still in use is looked up again after this. */
const FRESH_MS = 30 * 86_400_000
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

/** Keys lie in many Cluster slots: single commands, sent together, are one round trip each way. */
export function createSharedFacts({ redis }: { redis: RedisClient }): SharedFacts {
  const userAgents = createSharedTexts({
    redis,
    hashOf: userAgentHash,
    keyOf: userAgentKey,
    keptSeconds: KEPT_SECONDS,
  })
  const placeNames = createSharedTexts({
    redis,
    hashOf: placeNameHash,
    keyOf: placeNameKey,
    keptSeconds: PLACE_NAMES_KEPT_SECONDS,
  })

  return {
    saveUserAgents: userAgents.save,
    readUserAgents: userAgents.read,

    async readLocations(ips) {
      const wanted = [...ips]
      const packed = await orUnavailable(Promise.all(wanted.map((ip) => redis.getBuffer(locationKey(ip)))))
      const found = wanted.flatMap((ip, i) => (packed[i] ? [unpackLocation(ip, packed[i])] : []))
      const names = await placeNames.read(found.map(({ nameHash }) => nameHash))
      return new Map(
        found.flatMap(({ nameHash, withName }) => {
          const name = names.get(nameHash)
          if (name === undefined) return []
          const location = withName(name)
          return [[location.ip, { location, fresh: Date.now() - location.locatedAt < FRESH_MS }] as const]
        }),
      )
    },

    async saveLocations(locations) {
      await placeNames.save(locations.map(placeNameOf))
      const unnumbered = locations.filter(({ id }) => id === undefined).length
      let last = unnumbered === 0 ? 0 : await orUnavailable(redis.incrby(locationIdKey, unnumbered))
      const locatedAt = Date.now()
      const saving = locations.map(({ id, ...location }) => {
        const key = locationKey(location.ip)
        const packed = packLocation({ ...location, id: id ?? last--, locatedAt })
        // Another instance may have been quicker with a new one: its id stays.
        return id === undefined
          ? redis.set(key, packed, 'EX', KEPT_SECONDS, 'NX')
          : redis.set(key, packed, 'EX', KEPT_SECONDS)
      })
      await orUnavailable(Promise.all<unknown>(saving))
    },
  }
}
