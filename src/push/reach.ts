/**
 * Whom the service may be made to talk to. An endpoint comes from a client, so it must not lead to anything that only the
 * service can see: its host has public addresses and no others. That is looked at when a subscription is made, and again by
 * every connection, which goes to the addresses that were looked at and to no others: a name that has moved meanwhile
 * (DNS rebinding) gains nothing.
 */
import { Resolver } from 'node:dns/promises'
import { Agent, type AgentOptions } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'

export interface ReachOptions {
  /** Whether an address is somewhere in the public network. */
  isPublic(ip: string): boolean
  /** The addresses of a host; the DNS when absent. */
  resolve?(host: string): Promise<string[]>
  /** More for TLS, for tests: their own authority, their own port. */
  tls?: AgentOptions
}

export interface Reach {
  /** Whether `host` is known, and at public addresses alone. */
  isPublicHost(host: string): Promise<boolean>
  /** Connects to such hosts alone. */
  agent: Agent
}

const DNS_TRY_MS = 1_000
const DNS_TRIES = 2

/** Draws the line of one service. */
export function createReach({ isPublic, resolve = askDns, tls }: ReachOptions): Reach {
  /** @returns nothing when one of them is not public: which of several would be taken is nobody's to say */
  async function publicAddresses(host: string): Promise<string[]> {
    const addresses = await resolve(host)
    return addresses.every(isPublic) ? addresses : []
  }

  const lookup: LookupFunction = (host, { all }, done) => {
    publicAddresses(host).then(
      (addresses) => {
        const [first, ...others] = addresses.map((address) => ({ address, family: isIP(address) }))
        if (first === undefined) done(notPublic(), [])
        else if (all) done(null, [first, ...others])
        else done(null, first.address, first.family)
      },
      (error) => done(error, []),
    )
  }

  return {
    isPublicHost: async (host) => (await publicAddresses(host).catch(() => [])).length > 0,
    agent: new Agent({ ...tls, lookup }),
  }
}

const notPublic = () => Object.assign(new Error('not a public host'), { code: 'NOT_PUBLIC' })

/**
 * IPv4 first. By the DNS itself, not by the system's `getaddrinfo`: a name that is answered slowly would hold one of the
 * process' few threads, and passwords are hashed there. A resolver each, so that a changed resolv.conf counts.
 */
async function askDns(host: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: DNS_TRY_MS, tries: DNS_TRIES })
  const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  return found.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
}
