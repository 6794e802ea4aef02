/**
 * Writes MaxMind DB files (https://maxmind.github.io/MaxMind-DB/, version 2.0) for tests: small ones, whole in memory.
 */
import { isIPv6, SocketAddress } from 'node:net'

/** Integers from zero become uint32, other numbers 64-bit doubles, bigints uint64; one in a typed array is of its type. */
export type MmdbValue =
  | string
  | number
  | bigint
  | boolean
  | Float32Array
  | Uint16Array
  | readonly MmdbValue[]
  | { readonly [key: string]: MmdbValue }

export interface MmdbOptions {
  databaseType: string
  ipVersion: 4 | 6
  /** CIDR, then what is known of it. An IPv4 network in an IPv6 database goes to ::/96. Overlaps are refused. */
  networks: readonly (readonly [cidr: string, record: MmdbValue])[]
  recordSize?: 24 | 28 | 32
  /** Makes ::ffff:0:0/96 another way to the IPv4 networks of an IPv6 database, as MaxMind's own files do. */
  aliasMapped?: boolean
  builtAt?: number
  languages?: readonly string[]
}

/** What one side of a node leads to: another node, the offset of a record in the data section, or nothing. */
type Branch = Node | number | undefined
type Node = [zero: Branch, one: Branch]

/** @returns the whole file */
export function writeMmdb(options: MmdbOptions): Buffer {
  const { databaseType, ipVersion, networks, recordSize = 28, aliasMapped = false } = options
  const root: Node = [undefined, undefined]
  const data: Buffer[] = []
  const offsets = new Map<string, number>()
  let dataSize = 0

  for (const [cidr, record] of networks) {
    const bytes = encode(record)
    const key = bytes.toString('latin1')
    const offset = offsets.get(key) ?? dataSize
    if (offset === dataSize) {
      offsets.set(key, offset)
      data.push(bytes)
      dataSize += bytes.length
    }
    place(root, networkBits(cidr, ipVersion), offset, cidr)
  }
  if (aliasMapped) alias(root)

  const nodes = [...new Set(flatten(root))]
  const numbers = new Map(nodes.map((node, index) => [node, index]))
  const target = (branch: Branch): number => {
    if (branch === undefined) return nodes.length
    return typeof branch === 'number' ? nodes.length + 16 + branch : (numbers.get(branch) ?? 0)
  }
  const metadata = encode({
    binary_format_major_version: Uint16Array.of(2),
    binary_format_minor_version: Uint16Array.of(0),
    build_epoch: BigInt(Math.floor((options.builtAt ?? Date.UTC(2026, 5, 5)) / 1000)),
    database_type: databaseType,
    description: { en: 'Written by a test' },
    ip_version: Uint16Array.of(ipVersion),
    languages: options.languages ?? ['en'],
    node_count: nodes.length,
    record_size: Uint16Array.of(recordSize),
  })
  return Buffer.concat([
    ...nodes.map(([zero, one]) => encodeNode(target(zero), target(one), recordSize)),
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ])
}

/** Hangs `branch` where `bits` lead from `root`. */
function place(root: Node, bits: string, branch: Branch, cidr: string): void {
  let node = root
  for (const bit of bits.slice(0, -1)) {
    const side = bit === '1' ? 1 : 0
    const next: Branch = node[side] ?? [undefined, undefined]
    if (typeof next === 'number') throw new Error(`${cidr} lies inside a network that is there already`)
    node[side] = next
    node = next
  }
  const side = bits.endsWith('1') ? 1 : 0
  if (node[side] !== undefined) throw new Error(`${cidr} overlaps a network that is there already`)
  node[side] = branch
}

/** Makes ::ffff:0:0/96 lead to the same node as ::/96. */
function alias(root: Node): void {
  let node: Branch = root
  for (let depth = 0; depth < 96 && Array.isArray(node); depth++) node = node[0]
  place(root, networkBits('::ffff:0:0/96', 6), node, '::ffff:0:0/96')
}

function flatten(node: Node): Node[] {
  return [node, ...node.flatMap((branch) => (Array.isArray(branch) ? flatten(branch) : []))]
}

function networkBits(cidr: string, ipVersion: 4 | 6): string {
  const [address = '', length = ''] = cidr.split('/')
  if (isIPv6(address)) {
    if (ipVersion === 4) throw new Error(`${cidr} does not fit into an IPv4 database`)
    return bits6(address).slice(0, Number(length))
  }
  const bits = address
    .split('.')
    .map((octet) => Number(octet).toString(2).padStart(8, '0'))
    .join('')
  return (ipVersion === 6 ? '0'.repeat(96) : '') + bits.slice(0, Number(length))
}

function bits6(address: string): string {
  // The platform's own spelling has no dotted part here but for ::/96 and ::ffff:0:0/96, which tests give in hexadecimal.
  const text = new SocketAddress({ address, family: 'ipv6' }).address.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a, b, c, d) => `${(a * 256 + +b).toString(16)}:${(c * 256 + +d).toString(16)}`,
  )
  const [left = '', right = ''] = text.split('::')
  const head = left.split(':').filter(Boolean)
  const tail = right.split(':').filter(Boolean)
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('')
}

function encodeNode(zero: number, one: number, recordSize: 24 | 28 | 32): Buffer {
  const node = Buffer.alloc(recordSize / 4)
  if (recordSize === 32) {
    node.writeUInt32BE(zero, 0)
    node.writeUInt32BE(one, 4)
    return node
  }
  node.writeUIntBE(zero & 0xffffff, 0, 3)
  node.writeUIntBE(one & 0xffffff, node.length - 3, 3)
  if (recordSize === 28) node[3] = ((zero >>> 24) << 4) | (one >>> 24)
  return node
}

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string') {
    const text = Buffer.from(value)
    return Buffer.concat([control(2, text.length), text])
  }
  if (typeof value === 'boolean') return control(14, value ? 1 : 0)
  if (typeof value === 'bigint') return encodeUint(9, value)
  if (typeof value === 'number') return encodeNumber(value)
  if (value instanceof Uint16Array) return encodeUint(5, BigInt(value[0] ?? 0))
  if (value instanceof Float32Array) {
    const bytes = Buffer.alloc(4)
    bytes.writeFloatBE(value[0] ?? 0)
    return Buffer.concat([control(15, 4), bytes])
  }
  if (isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)])
  const entries = Object.entries(value)
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([k, v]) => [encode(k), encode(v)])])
}

/** Array.isArray does not narrow a readonly array. */
function isArray(value: MmdbValue): value is readonly MmdbValue[] {
  return Array.isArray(value)
}

function encodeNumber(value: number): Buffer {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return encodeUint(6, BigInt(value))
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return Buffer.concat([control(3, 8), bytes])
}

function encodeUint(type: number, value: bigint): Buffer {
  const hex = value === 0n ? '' : value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return Buffer.concat([control(type, bytes.length), bytes])
}

/** Control byte with type and size, "Data Field Format" of the specification. */
function control(type: number, size: number): Buffer {
  const [low, rest] = sizeBytes(size)
  return type <= 7 ? Buffer.from([(type << 5) | low, ...rest]) : Buffer.from([low, type - 7, ...rest])
}

function sizeBytes(size: number): [number, number[]] {
  if (size < 29) return [size, []]
  if (size < 285) return [29, [size - 29]]
  if (size < 65821) return [30, [(size - 285) >> 8, (size - 285) & 255]]
  const rest = size - 65821
  return [31, [rest >> 16, (rest >> 8) & 255, rest & 255]]
}
