import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CityResponse, Reader } from 'maxmind'
import t from 'tap'
import { type MmdbOptions, writeMmdb } from './mmdb-writer.js'

const long = 'Llanfair'.repeat(50)
const huge = 'x'.repeat(70_000)
const networks: MmdbOptions['networks'] = [
  [
    '81.2.69.0/24',
    { city: { names: { en: 'London' } }, location: { latitude: 51.5142, longitude: -0.0931 } },
  ],
  [
    '89.160.20.112/28',
    { city: { names: { en: 'Linköping', ja: 'リンシェーピング' } }, flags: [true, false, 7] },
  ],
  ['175.16.199.1/32', { city: { names: { en: long } }, huge }],
  ['216.160.83.0/24', { latitude: Float32Array.of(47.2513), empty: '', big: 2n ** 40n }],
]
const networks6: MmdbOptions['networks'] = [
  ...networks,
  ['2001:218::/32', { city: { names: { en: 'Tokyo' } } }],
  ['2a02:cf40::/29', { city: { names: { en: 'Oslo' } } }],
]

t.test('what was written is read back, in every record size', async (t) => {
  for (const recordSize of [24, 28, 32] as const) {
    const four = new Reader<CityResponse>(
      writeMmdb({ databaseType: 'Test', ipVersion: 4, networks, recordSize, builtAt: Date.UTC(2026, 0, 2) }),
    )
    t.equal(four.metadata.buildEpoch.toISOString(), '2026-01-02T00:00:00.000Z')
    t.strictSame(four.get('81.2.69.255'), networks[0]?.[1])
    t.strictSame(four.get('89.160.20.127'), networks[1]?.[1])
    t.equal(four.get('89.160.20.128'), null)
    t.strictSame(four.get('175.16.199.1'), networks[2]?.[1])
    t.equal(four.get('175.16.199.0'), null)
    t.strictSame(four.get('216.160.83.9'), { latitude: Math.fround(47.2513), empty: '', big: 2n ** 40n })

    const six = new Reader<CityResponse>(
      writeMmdb({ databaseType: 'Test', ipVersion: 6, networks: networks6, recordSize, aliasMapped: true }),
    )
    t.strictSame(six.getWithPrefixLength('2a02:cf47:ffff::1'), [{ city: { names: { en: 'Oslo' } } }, 29])
    t.equal(six.get('2a02:cf48::'), null)
    for (const ip of ['81.2.69.142', '::ffff:81.2.69.142', '::ffff:5102:458e', '::81.2.69.142'])
      t.equal(six.get(ip)?.city?.names.en, 'London', ip)
  }
})

t.test('refuses overlaps and what does not fit', async (t) => {
  const write = (ipVersion: 4 | 6, ...cidrs: string[]) =>
    writeMmdb({ databaseType: 'T', ipVersion, networks: cidrs.map((cidr) => [cidr, {}]) })
  t.throws(() => write(4, '10.0.0.0/8', '10.1.0.0/16'), /10\.1\.0\.0\/16 lies inside/)
  t.throws(() => write(4, '10.1.0.0/16', '10.0.0.0/8'), /10\.0\.0\.0\/8 overlaps/)
  t.throws(() => write(6, '10.1.0.0/16', '::10.1.0.0/112'), /overlaps/)
  t.throws(() => write(4, '2001:218::/32'), /does not fit/)
})

const mmdblookup = '/usr/bin/mmdblookup'
const skip = existsSync(mmdblookup) ? false : `needs ${mmdblookup} (Debian: apt-get install mmdb-bin)`

t.test("libmaxminddb's mmdblookup reads the same", { skip }, async (t) => {
  for (const recordSize of [24, 28, 32] as const) {
    const file = join(t.testdir({}), `${recordSize}.mmdb`)
    writeFileSync(
      file,
      writeMmdb({ databaseType: 'Test', ipVersion: 6, networks: networks6, recordSize, aliasMapped: true }),
    )
    const look = (ip: string, ...path: string[]) =>
      execFileSync(mmdblookup, ['-f', file, '-i', ip, ...path], { encoding: 'utf8', stdio: 'pipe' }).trim()

    t.equal(look('81.2.69.142', 'city', 'names', 'en'), '"London" <utf8_string>')
    t.equal(look('::ffff:81.2.69.142', 'location', 'longitude'), '-0.093100 <double>')
    t.equal(look('89.160.20.112', 'city', 'names', 'ja'), '"リンシェーピング" <utf8_string>')
    t.equal(look('89.160.20.112', 'flags', '2'), '7 <uint32>')
    t.equal(look('175.16.199.1', 'city', 'names', 'en'), `"${long}" <utf8_string>`)
    t.equal(look('175.16.199.1', 'huge'), `"${huge}" <utf8_string>`)
    t.equal(look('216.160.83.9', 'latitude'), '47.251301 <float>')
    t.equal(look('216.160.83.9', 'big'), '1099511627776 <uint64>')
    t.equal(look('2001:218:ffff::1', 'city', 'names', 'en'), '"Tokyo" <utf8_string>')
    t.throws(() => look('2001:219::1'), /Could not find an entry/)
    t.match(
      execFileSync(mmdblookup, ['-v', '-f', file, '-i', '81.2.69.142'], { encoding: 'utf8' }),
      /Type:\s+Test/,
    )
  }
})
