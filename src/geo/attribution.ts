import { basename } from 'node:path'

/** What a database's licence wants shown wherever its results are, as a link. */
export interface Attribution {
  text: string
  url: string
}

/** Creative Commons Attribution 4.0; the wording is DB-IP's own. */
export const dbIp: Attribution = { text: 'IP Geolocation by DB-IP', url: 'https://db-ip.com' }

/** GeoLite End User License Agreement, section 3. */
const geoLite: Attribution = {
  text: 'This product includes GeoLite data created by MaxMind',
  url: 'https://www.maxmind.com',
}

/**
 * Who is to be named. The flat files do not say in their metadata who made them; their names do.
 *
 * @returns undefined for a database that asks for nothing, or that we do not know
 */
export function attribution(database: { path: string; type: string }): Attribution | undefined {
  const names = [database.type, basename(database.path)]
  if (names.some((name) => /^db-?ip/i.test(name))) return dbIp
  if (names.some((name) => /^geolite2/i.test(name))) return geoLite
  return undefined
}
