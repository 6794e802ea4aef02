import type { CityResponse, Reader } from 'maxmind'

type Bits = 32 | 128

/** 2001:200::, where the addresses begin that registries hand out. */
const firstGlobal6 = 0x2001_0200n << 96n

/** Enough for the sparsest real file; a bound, because a damaged tree may lead through every single address. */
const maxSteps = 10_000

/**
 * Steps from network to network until there is a record. IPv4 addresses are found in databases of both kinds, IPv6
 * addresses (`bits` 128) only make sense in IPv6 databases.
 *
 * @returns undefined when there is none
 */
export function firstRecord(reader: Reader<CityResponse>, bits: Bits): unknown {
  let at = bits === 32 ? 0n : firstGlobal6
  for (let step = 0; step < maxSteps && at < 1n << BigInt(bits); step++) {
    const [record, prefix] = reader.getWithPrefixLength(spell(at, bits))
    if (record !== null) return record
    const size = 1n << BigInt(bits - prefix)
    at = (at / size + 1n) * size
  }
  return undefined
}

/**
 * Looks up addresses all over the space: parts of a file that are missing or were overwritten show in some of them.
 *
 * @throws where the tree or a record is damaged
 */
export function lookAround(reader: Reader<CityResponse>, bits: Bits): void {
  const step = 1n << BigInt(bits - 10)
  for (let i = 0n; i < 1024n; i++) {
    const record = reader.get(spell(i * step, bits))
    if (record !== null && typeof record !== 'object') throw new Error('a record is no map')
  }
}

function spell(address: bigint, bits: Bits): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.')
  return address
    .toString(16)
    .padStart(32, '0')
    .replace(/....(?=.)/g, '$&:')
}
