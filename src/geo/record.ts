import { continents, countries, type TContinentCode } from 'countries-list'
import type { CityResponse } from 'maxmind'
import type { Location } from '../location.js'

/** What a record tells; where the address is in it comes from the caller. */
export type Place = Omit<Location, 'ip' | 'type'>

/** Reads one shape of record. Undefined: the record tells nothing about a place. */
export type PlaceReader = (record: unknown) => Place | undefined

/** The flat record of the ip-location-db City files; strings are empty and floats 32 bits wide there. */
interface FlatRecord {
  country_code?: unknown
  state1?: unknown
  city?: unknown
  postcode?: unknown
  latitude?: unknown
  longitude?: unknown
  timezone?: unknown
}

/**
 * Chooses how a database's records are read.
 *
 * @param databaseType from its metadata: `GeoIP2-City`, `GeoLite2-Country`, `DBIP-City-Lite`, or `city ipv4`, …
 * @param sample one of its records, which decides when the type is not one that we know
 * @returns undefined for a database about something else than places, such as one of networks' owners
 */
export function placeReader(databaseType: string, sample: unknown): PlaceReader | undefined {
  if (/^(GeoIP2|GeoLite2|DBIP)-.*(City|Country|Enterprise|Location)/.test(databaseType)) return nestedPlace
  if (/^(city|country)\b/.test(databaseType)) return flatPlace
  return [nestedPlace, flatPlace].find((read) => read(sample)?.countryCode !== undefined)
}

/**
 * The canonical record (https://dev.maxmind.com/geoip/docs/databases/city-and-country). Its type is what a file should
 * hold, not what this one does: every value is checked before it is passed on.
 */
function nestedPlace(record: unknown): Place | undefined {
  const { continent, country, subdivisions, city, postal, location } = record as Partial<CityResponse>
  const region = subdivisions?.[0]
  return complete({
    continentCode: text(continent?.code),
    continentName: text(continent?.names?.en),
    countryCode: text(country?.iso_code),
    countryName: text(country?.names?.en),
    regionCode: text(region?.iso_code),
    regionName: text(region?.names?.en),
    city: text(city?.names?.en),
    postalCode: text(postal?.code),
    latitude: degrees(location?.latitude, 90),
    longitude: degrees(location?.longitude, 180),
    timeZone: text(location?.time_zone),
  })
}

function flatPlace(record: unknown): Place | undefined {
  const { country_code, state1, city, postcode, latitude, longitude, timezone } = record as FlatRecord
  return complete({
    continentCode: undefined,
    continentName: undefined,
    countryCode: text(country_code),
    countryName: undefined,
    regionCode: undefined,
    regionName: text(state1),
    city: text(city),
    postalCode: text(postcode),
    latitude: degrees(latitude, 90),
    longitude: degrees(longitude, 180),
    timeZone: text(timezone),
  })
}

const byCode = new Map<string, { name: string; continent: TContinentCode }>(Object.entries(countries))

/** Country name and continent follow from the country where the record leaves them out. */
function complete(place: Place): Place | undefined {
  if (Object.values(place).every((value) => value === undefined)) return undefined
  const country = byCode.get(place.countryCode ?? '')
  if (country === undefined) return place
  return {
    ...place,
    continentCode: place.continentCode ?? country.continent,
    continentName: place.continentName ?? continents[country.continent],
    countryName: place.countryName ?? country.name,
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Rounded because a float of 32 bits spells 37.751 as 37.750999450683594. */
function degrees(value: unknown, limit: number): number | undefined {
  if (typeof value !== 'number' || !(Math.abs(value) <= limit)) return undefined
  return Math.round(value * 10_000) / 10_000
}
