/** What is said of an address of which nothing is known. */
import type { Location } from '../../src/location.js'

export const nothingKnown: Omit<Location, 'ip' | 'type'> = {
  continentCode: undefined,
  continentName: undefined,
  countryCode: undefined,
  countryName: undefined,
  regionCode: undefined,
  regionName: undefined,
  city: undefined,
  postalCode: undefined,
  latitude: undefined,
  longitude: undefined,
  timeZone: undefined,
}
