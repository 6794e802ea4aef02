/**
 * What a gateway's location asks of a caller, as one path segment behind the family's name:
 * `/gateway/nginx/scopes=read,write;roles=admin;rotate`. In the path, because that is the only part of the sub-request
 * which the gateway's configuration fixes in every family: query strings and headers may be the client's.
 */

export interface Requirements {
  /** All of them. */
  scopes: readonly string[]
  /** One of them, when there are any. */
  roles: readonly string[]
  /** Whether the session may be told its next token, which the gateway hands on to the client. */
  rotate: boolean
  /** Whether CORS preflights pass, which never carry credentials. */
  preflight: boolean
}

export const noRequirements: Requirements = { scopes: [], roles: [], rotate: false, preflight: false }

const WORDS = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+(?:,[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+)*$/

/**
 * Reads a segment; `-` and `''` ask for nothing.
 *
 * @returns undefined for what is not understood: a requirement that is not understood must not be ignored
 */
export function parseRequirements(segment: string): Requirements | undefined {
  if (segment === '' || segment === '-') return noRequirements
  const requirements = { ...noRequirements }
  const seen = new Set<string>()
  for (const part of segment.split(';')) {
    const [name = '', value, ...rest] = part.split('=')
    if (rest.length > 0 || seen.has(name)) return undefined
    seen.add(name)
    if (value === undefined && (name === 'rotate' || name === 'preflight')) requirements[name] = true
    else if (value !== undefined && WORDS.test(value) && (name === 'scopes' || name === 'roles'))
      requirements[name] = value.split(',')
    else return undefined
  }
  return requirements
}
