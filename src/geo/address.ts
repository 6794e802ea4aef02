/** Which addresses are somewhere in the world. */
import { BlockList } from 'node:net'
import { canonicalAddress } from '../location.js'

/** A public address in canonical spelling, IPv4 where it came mapped into IPv6. */
export interface PublicAddress {
  ip: string
  type: 'ipv4' | 'ipv6'
}

/** Not globally reachable by the IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast, or reserved. */
const special4 = subnets('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
])

/** All global unicast addresses that are assigned so far (RFC 4291, section 2.4). */
const global6 = subnets('ipv6', [['2000::', 3]])

/**
 * The exceptions inside `global6`. Teredo (in 2001::/23) and 6to4 (2002::/16) are among them because databases
 * give the place of a relay for them, not of the client.
 */
const special6 = subnets('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])

/**
 * Reads an address in any spelling.
 *
 * @returns undefined for what is no address, and for addresses that are nowhere: private, reserved, documentation
 */
export function publicAddress(text: string): PublicAddress | undefined {
  const address = canonicalAddress(text)
  if (address === undefined) return undefined
  const { ip, type } = address
  if (type === 'ipv4') return special4.check(ip) ? undefined : address
  return global6.check(ip, 'ipv6') && !special6.check(ip, 'ipv6') ? address : undefined
}

function subnets(family: 'ipv4' | 'ipv6', list: readonly (readonly [string, number])[]): BlockList {
  const block = new BlockList()
  for (const [net, prefix] of list) block.addSubnet(net, prefix, family)
  return block
}
