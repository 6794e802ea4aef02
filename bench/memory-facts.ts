/** Places and user agents as they are in the world, in words of common length. */
import type { Location } from '../src/location.js'

const place = (
  words: readonly [string, string, string, string, string, string, string, string, string],
): Omit<Location, 'ip' | 'type' | 'latitude' | 'longitude'> => {
  const [continentCode, continentName, countryCode, countryName, regionCode] = words
  const [, , , , , regionName, city, postalCode, timeZone] = words
  return {
    continentCode,
    continentName,
    countryCode,
    countryName,
    regionCode,
    regionName,
    city,
    postalCode,
    timeZone,
  }
}

export const countries = [
  place(['EU', 'Europe', 'GB', 'United Kingdom', 'ENG', 'England', 'London', 'SW1A', 'Europe/London']),
  place([
    'NA',
    'North America',
    'US',
    'United States',
    'CA',
    'California',
    'Los Angeles',
    '90012',
    'America/Los_Angeles',
  ]),
  place([
    'EU',
    'Europe',
    'DE',
    'Germany',
    'NW',
    'North Rhine-Westphalia',
    'Düsseldorf',
    '40210',
    'Europe/Berlin',
  ]),
  place(['AS', 'Asia', 'JP', 'Japan', '13', 'Tokyo', 'Chiyoda City', '100-0001', 'Asia/Tokyo']),
  place([
    'SA',
    'South America',
    'BR',
    'Brazil',
    'SP',
    'São Paulo',
    'São Paulo',
    '01310',
    'America/Sao_Paulo',
  ]),
  place([
    'EU',
    'Europe',
    'SE',
    'Sweden',
    'E',
    'Östergötland County',
    'Linköping',
    '582 22',
    'Europe/Stockholm',
  ]),
  place(['OC', 'Oceania', 'AU', 'Australia', 'NSW', 'New South Wales', 'Sydney', '2000', 'Australia/Sydney']),
]

export function userAgentOf(i: number): string {
  const chrome = `Chrome/${100 + (i % 40)}.0.${6000 + i}.0 Safari/537.36`
  return i % 2 === 0
    ? `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ${chrome}`
    : `Mozilla/5.0 (Linux; Android 14; Pixel ${i % 9}) AppleWebKit/537.36 (KHTML, like Gecko) ${chrome.replace(' Safari', ' Mobile Safari')}`
}

/** Three quarters are IPv4. */
export function ipOf(i: number): string {
  const low = `${(i >> 8) & 255}.${i & 255}`
  return i % 4 === 3 ? `2a02:cf40:${i.toString(16)}:1a2b:3c4d:5e6f:7a8b:9cad` : `81.${2 + (i >> 16)}.${low}`
}

export function locationOf(ip: string, i: number, city: number): Location {
  const country = countries[city % countries.length] as Omit<
    Location,
    'ip' | 'type' | 'latitude' | 'longitude'
  > // never empty
  return {
    ...country,
    city: `${country.city} ${city}`,
    ip,
    type: ip.includes(':') ? 'ipv6' : 'ipv4',
    latitude: 40 + (i % 9973) / 1e4,
    longitude: -73 + (i % 9949) / 1e4,
  }
}
