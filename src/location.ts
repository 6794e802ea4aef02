/** Where an address is in the world, as far as a location database knows. What it does not know is undefined. */
import { isIP, SocketAddress } from 'node:net'

export interface Location {
  /** The address in its canonical spelling (RFC 5952); an IPv4 address that came mapped into IPv6 is plain here. */
  ip: string
  type: 'ipv4' | 'ipv6'
  /** Two letters: AF, AN, AS, EU, NA, OC or SA. */
  continentCode: string | undefined
  continentName: string | undefined
  /** ISO 3166-1 alpha-2. */
  countryCode: string | undefined
  countryName: string | undefined
  /** The part after the country in ISO 3166-2, such as `OXF` or `CA`. */
  regionCode: string | undefined
  regionName: string | undefined
  city: string | undefined
  /** As people write it there: `OX1`, `681 95`, `01069`. */
  postalCode: string | undefined
  /** Degrees north and east, four decimal places (about 11 m; the databases are far less exact). */
  latitude: number | undefined
  longitude: number | undefined
  /** IANA name, such as `Europe/London`. */
  timeZone: string | undefined
}

/**
 * The one spelling of an address, whatever a socket, a header or a record writes: any case, any zero compression, an
 * IPv6 zone (ignored), IPv4 mapped into IPv6 (RFC 4291 section 2.5.5.2). @returns undefined for what is no address
 */
export function canonicalAddress(text: string): { ip: string; type: 'ipv4' | 'ipv6' } | undefined {
  const version = isIP(text)
  if (version === 0) return undefined
  if (version === 4) return { ip: text, type: 'ipv4' }
  const ip = new SocketAddress({ address: text.replace(/%.*/, ''), family: 'ipv6' }).address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(ip)?.[1]
  return mapped === undefined ? { ip, type: 'ipv6' } : { ip: mapped, type: 'ipv4' }
}

/** A location as it was stored, once for all sessions at its address. */
export interface KnownLocation extends Location {
  /** A small number, for dialects whose locations have one. */
  id: number
  /** When it was looked up, ms since the epoch. */
  locatedAt: number
}
