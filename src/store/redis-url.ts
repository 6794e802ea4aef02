/** The forms of `REDIS_URL`, and nothing but their reading: no connection is made here. */

export interface HostAndPort {
  host: string
  port: number
}

interface Credentials {
  username: string | undefined
  password: string | undefined
}

/** Where Redis is and how to get in. `shown` is the URL without its secrets, for people and logs. */
export type RedisTarget = Credentials & {
  db: number
  /** TLS, trusting the system's authorities, or only those in the PEM file `ca`. */
  tls: { ca: string | undefined } | undefined
  shown: string
} & (
    | { kind: 'standalone'; node: HostAndPort }
    | { kind: 'unix'; path: string }
    | { kind: 'sentinel'; sentinels: HostAndPort[]; name: string; sentinelAuth: Credentials }
    | { kind: 'cluster'; nodes: HostAndPort[] }
  )

const FORM = /^(rediss?|unix|rediss?\+(?:sentinel|cluster)):\/\/(?:([^/?]*)@)?([^/?@]*)(\/[^?]*)?(?:\?(.*))?$/

const KNOWN_OPTIONS = ['ca', 'db', 'sentinelUsername', 'sentinelPassword']

/** @throws Error that says what is wrong without repeating anything of the URL but host names */
export function parseRedisUrl(url: string): RedisTarget {
  const [, scheme, userinfo, hosts = '', path = '', query] = FORM.exec(url) ?? []
  if (scheme === undefined)
    throw new Error('it has another form (in user names and passwords, write / ? @ as %2F %3F %40)')
  const options = new URLSearchParams(query)
  for (const name of options.keys())
    if (!KNOWN_OPTIONS.includes(name))
      throw new Error(`it has an unknown option; known are ${KNOWN_OPTIONS.join(', ')}`)
  if (options.has('ca') && !scheme.startsWith('rediss'))
    throw new Error('it has the option ca, which is for rediss:// only')
  const [tlsOrNot = '', kind = tlsOrNot === 'unix' ? 'unix' : 'standalone'] = scheme.split('+')
  const rest = decode(path.slice(1))
  const option = (name: string): string | undefined => options.get(name) ?? undefined
  const common = {
    ...readCredentials(userinfo),
    db: 0,
    tls: tlsOrNot === 'rediss' ? { ca: option('ca') } : undefined,
    shown: `${scheme}://${userinfo === undefined ? '' : '***@'}${hosts}${path}`,
  }
  switch (kind) {
    case 'unix':
      if (hosts !== '' || rest === '')
        throw new Error('it names no absolute path, as in unix:///run/redis/redis.sock')
      return { ...common, kind, path: `/${rest}`, db: readDb(option('db')) }
    case 'sentinel': {
      const [name = '', db, ...more] = rest.split('/')
      if (name === '' || more.length > 0)
        throw new Error('it names no group of masters, as in redis+sentinel://h1,h2,h3/mymaster')
      const sentinelAuth = { username: option('sentinelUsername'), password: option('sentinelPassword') }
      return { ...common, kind, sentinels: readHosts(hosts, 26379), name, sentinelAuth, db: readDb(db) }
    }
    case 'cluster':
      if (rest !== '') throw new Error('it has a database number; a cluster has only one')
      return { ...common, kind, nodes: readHosts(hosts, 6379) }
    default: {
      const [node, ...more] = readHosts(hosts, 6379)
      if (node === undefined || more.length > 0)
        throw new Error('it has several hosts; use redis+sentinel:// or redis+cluster://')
      return { ...common, kind: 'standalone', node, db: readDb(rest || option('db')) }
    }
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('it has a % that is not followed by two hexadecimal digits')
  }
}

/** `user:password`, `:password`, or a user name alone. */
function readCredentials(userinfo: string | undefined): Credentials {
  const [, username = '', password] = /^([^:]*)(?::(.*))?$/s.exec(userinfo ?? '') ?? []
  return {
    username: username === '' ? undefined : decode(username),
    password: password === undefined ? undefined : decode(password),
  }
}

function readHosts(list: string, defaultPort: number): HostAndPort[] {
  return list.split(',').map((item) => {
    const [, bracketed, plain, port] =
      /^(?:\[([\da-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(item.trim()) ?? []
    const host = bracketed ?? plain
    if (host === undefined) throw new Error('it has a host that is not host, host:port or [address]:port')
    if (Number(port ?? defaultPort) > 65_535) throw new Error('it has a port over 65535')
    return { host, port: Number(port ?? defaultPort) }
  })
}

function readDb(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  if (!/^\d{1,5}$/.test(text)) throw new Error('it has a database that is not a number')
  return Number(text)
}
