import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { openGeo } from '../src/geo.js'
import { type MmdbOptions, type MmdbValue, writeMmdb } from './support/mmdb-writer.js'

const pollMs = 5

/** A geo that ends with its test, and what it said. */
async function open(t: Test, ...paths: string[]) {
  const said: { level: number; msg: string }[] = []
  const log = pino({ base: null }, { write: (line) => said.push(JSON.parse(line)) })
  const geo = await openGeo({ paths, log, pollMs })
  t.teardown(() => geo.close())
  const texts = (wanted: number) => said.filter(({ level }) => level === wanted).map(({ msg }) => msg)
  return { geo, infos: () => texts(30), warnings: () => texts(40) }
}

/** Waits for something that the watcher brings about; the time limit of the test ends it. */
async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await delay(1)
}

/** The watcher looked at least four times since: it has seen whatever there was to be seen, and what was seen is read. */
const looks = () => delay(20 * pollMs)

const place = (city: string, more: MmdbValue = {}): MmdbValue => ({
  city: { names: { en: city } },
  ...Object(more),
})

const flat = (city: string): MmdbValue => ({
  city,
  country_code: 'SE',
  latitude: Float32Array.of(58.4167),
  longitude: Float32Array.of(15.6167),
  postcode: '',
  state1: 'Östergötland',
  state2: '',
  timezone: '',
})

/** A database in which 81.2.69.0/24 and 2a02:cf40::/29 are `city`. */
function database(city: string, options: Partial<MmdbOptions> = {}): Buffer {
  const networks: MmdbOptions['networks'] = [
    ['81.2.69.0/24', place(city)],
    ['2a02:cf40::/29', place(city)],
  ]
  return writeMmdb({ databaseType: 'GeoLite2-City', ipVersion: 6, networks, ...options })
}

/** Replaces a file as one should. */
function replace(path: string, bytes: Buffer): void {
  writeFileSync(`${path}.new`, bytes)
  renameSync(`${path}.new`, path)
}

t.test('one file for IPv4 and IPv6, canonical records', async (t) => {
  const path = join(t.testdir({}), 'GeoLite2-City.mmdb')
  const boxford: MmdbValue = {
    city: { names: { en: 'Boxford', de: 'Boxford' } },
    continent: { code: 'EU', names: { en: 'Europe' } },
    country: { iso_code: 'GB', names: { en: 'United Kingdom' } },
    location: { latitude: 51.75, longitude: -1.25, time_zone: 'Europe/London', accuracy_radius: 100 },
    postal: { code: 'OX1' },
    subdivisions: [
      { iso_code: 'ENG', names: { en: 'England' } },
      { iso_code: 'WBK', names: { en: 'West Berkshire' } },
    ],
  }
  const long = 'Llanfair'.repeat(50)
  const networks: MmdbOptions['networks'] = [
    ['2.125.160.216/29', boxford],
    ['89.160.20.112/28', place('Linköping')],
    ['175.16.199.0/24', place(long)],
    ['10.0.0.0/8', place('Nowhere')],
    ['216.160.83.0/24', {}],
    ['2001:218::/32', place('東京')],
    ['2001:db8::/32', place('Nowhere')],
  ]
  const builtAt = Date.UTC(2026, 9, 31)
  for (const aliasMapped of [false, true]) {
    writeFileSync(
      path,
      writeMmdb({ databaseType: 'GeoLite2-City', ipVersion: 6, networks, builtAt, aliasMapped }),
    )
    const { geo, infos, warnings } = await open(t, path)
    t.strictSame([geo.enabled, geo.builtAt], [true, builtAt])
    t.strictSame(infos(), [`location database ${path}: GeoLite2-City, ipv4 and ipv6, built 2026-10-31`])
    t.match(geo.attributions, [{ text: /GeoLite.*MaxMind/ }])
    const wanted = {
      ip: '2.125.160.217',
      type: 'ipv4',
      continentCode: 'EU',
      continentName: 'Europe',
      countryCode: 'GB',
      countryName: 'United Kingdom',
      regionCode: 'ENG',
      regionName: 'England',
      city: 'Boxford',
      postalCode: 'OX1',
      latitude: 51.75,
      longitude: -1.25,
      timeZone: 'Europe/London',
    }
    for (const ip of ['2.125.160.217', '::ffff:2.125.160.217', '::FFFF:027d:a0d9', '0:0:0:0:0:ffff:27d:a0d9'])
      t.strictSame(geo.locate(ip), wanted, ip)
    t.match(geo.locate('89.160.20.127'), { city: 'Linköping', countryCode: undefined, latitude: undefined })
    t.equal(geo.locate('175.16.199.1')?.city, long)
    t.match(geo.locate('2001:218:0:0::ABCD%eth0'), { ip: '2001:218::abcd', type: 'ipv6', city: '東京' })
    for (const ip of [
      '10.0.0.1',
      '2001:db8::1',
      '216.160.83.1',
      '9.9.9.9',
      '2a00::1',
      '::1',
      '',
      'x',
      '1.2.3.4.5',
    ])
      t.equal(geo.locate(ip), undefined, ip)
    t.strictSame(warnings(), [])
  }
})

t.test('a folder with one flat file for IPv4 and one for IPv6', async (t) => {
  const dir = t.testdir({ 'readme.txt': 'not looked at', deeper: { 'x.mmdb': 'not looked at' } })
  const [old, young] = [Date.UTC(2026, 5, 5), Date.UTC(2026, 5, 6)]
  const write = (kind: 4 | 6, cidr: string, builtAt: number) => {
    const networks = [[cidr, flat(`v${kind}`)]] as const
    const bytes = writeMmdb({ databaseType: `city ipv${kind}`, ipVersion: kind, networks, builtAt })
    writeFileSync(join(dir, `dbip-city-ipv${kind}.mmdb`), bytes)
  }
  // 32.0.0.0/4 are the first bits of 2000::/4.
  write(4, '32.0.0.0/4', young)
  const one = await open(t, dir)
  t.match(one.geo.locate('33.1.1.1'), {
    continentCode: 'EU',
    countryName: 'Sweden',
    regionName: 'Östergötland',
    city: 'v4',
    latitude: 58.4167,
    longitude: 15.6167,
    postalCode: undefined,
  })
  t.equal(one.geo.locate('2a02:cf40::1'), undefined, 'an IPv4 file knows no IPv6 address')

  write(6, '2a02:cf40::/29', old)
  const both = await open(t, dir)
  t.equal(both.geo.locate('33.1.1.1')?.city, 'v4')
  t.equal(both.geo.locate('::ffff:33.1.1.1')?.city, 'v4')
  t.equal(both.geo.locate('2a02:cf40::1')?.city, 'v6')
  t.equal(both.geo.builtAt, old)
  t.strictSame(both.geo.attributions, [{ text: 'IP Geolocation by DB-IP', url: 'https://db-ip.com' }])
  t.strictSame(both.warnings(), [])
  await until(() => one.geo.locate('2a02:cf40::1')?.city === 'v6')
})

t.test('of several that know an address, cities go before countries and the newest first', async (t) => {
  const dir = t.testdir({})
  const write = (name: string, type: string, month: number, city = name) =>
    writeFileSync(
      join(dir, `${name}.mmdb`),
      database(city, { databaseType: type, builtAt: Date.UTC(2026, month) }),
    )
  write('a', 'GeoLite2-Country', 8)
  write('b', 'GeoLite2-City', 6)
  write('c', 'GeoLite2-City', 7)
  write('d', 'GeoLite2-City', 5)
  const asn = [['81.2.69.0/24', { autonomous_system_number: 64500 }]] as const
  writeFileSync(join(dir, 'e.mmdb'), database('', { databaseType: 'GeoLite2-ASN', networks: asn }))
  const { geo, warnings } = await open(t, dir)
  t.equal(geo.locate('81.2.69.1')?.city, 'c')
  t.strictSame(warnings(), [`${join(dir, 'e.mmdb')} holds no locations (its type is "GeoLite2-ASN")`])
})

t.test('no file: off, said once; on when one appears', async (t) => {
  const dir = t.testdir({})
  const paths = [join(dir, 'geo'), join(dir, 'x.mmdb')]
  const { geo, infos, warnings } = await open(t, ...paths)
  t.equal(geo.enabled, false)
  t.equal(geo.builtAt, undefined)
  t.equal(geo.locate('81.2.69.1'), undefined)
  await looks()
  t.equal(infos().length, 1)
  t.match(infos()[0], `no location database in ${paths.join(', ')}`)
  t.strictSame(warnings(), [])
  mkdirSync(join(dir, 'geo'))
  writeFileSync(join(dir, 'geo', 'city.mmdb'), database('London'))
  await until(() => geo.enabled)
  t.equal(geo.locate('81.2.69.1')?.city, 'London')
})

t.test('what cannot be looked at is said once', async (t) => {
  const path = join(t.testdir({ file: '' }), 'file', 'x.mmdb')
  const { geo, warnings } = await open(t, path)
  await looks()
  t.equal(geo.enabled, false)
  t.equal(warnings().length, 1)
  t.match(warnings()[0], /ENOTDIR.*x\.mmdb/)
})

const good = database('Good')
/** Ways for a file to be wrong, with what is said of it. */
const bad: Record<string, [Buffer, RegExp]> = {
  empty: [Buffer.alloc(0), /is empty/],
  'one byte': [Buffer.from('x'), /is damaged/],
  text: [Buffer.from('<html>404</html>\n'.repeat(100)), /is no MaxMind DB file, or not the whole of one/],
  compressed: [gzipSync(good), /is compressed/],
  'cut in half': [good.subarray(0, good.length / 2), /not the whole of one/],
  'without its start': [good.subarray(100), /is damaged/],
  'with one byte too many in the tree': [Buffer.concat([Buffer.alloc(1), good]), /is damaged/],
  'zeros instead of the tree': [
    Buffer.concat([Buffer.alloc(1000), good.subarray(1000)]),
    /is damaged|holds no/,
  ],
  'zeros instead of the data': [zeroData(good), /is damaged/],
  'one record damaged': [damageRecord(), /is damaged/],
  'metadata cut off': [good.subarray(0, -30), /is damaged/],
  'metadata without a type': [rename(good, 'database_type', 'database_tipe'), /no type/],
  'metadata without a date': [rename(good, 'build_epoch', 'build_epach'), /no build date/],
  'another sort of data': [
    database('', { databaseType: 'X', networks: [['81.2.69.0/24', { a: 1 }]] }),
    /no locations/,
  ],
  'no records': [database('', { networks: [] }), /holds no locations/],
}

function zeroData(bytes: Buffer): Buffer {
  const start = bytes.indexOf(Buffer.alloc(16)) + 16
  return Buffer.from(bytes).fill(0, start, bytes.indexOf('MaxMind.com') - 3)
}

/** A database whose first record is right, and another one not. */
function damageRecord(): Buffer {
  const bytes = database('', {
    networks: [
      ['2.0.0.0/8', place('First')],
      ['81.0.0.0/8', place('Second')],
    ],
  })
  bytes[bytes.indexOf('Second') - 1] = 0
  return bytes
}

function rename(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1')
}

t.test('files that are wrong from the start', async (t) => {
  for (const [name, [bytes, problem]] of Object.entries(bad)) {
    const dir = t.testdir({ 'bad.mmdb': bytes, 'good.mmdb': good })
    const alone = await open(t, join(dir, 'bad.mmdb'))
    t.equal(alone.geo.enabled, false, name)
    t.match(alone.warnings(), [problem], name)
    t.equal(alone.warnings().length, 1, name)
    const beside = await open(t, dir)
    t.equal(beside.geo.locate('81.2.69.1')?.city, 'Good', name)
    alone.geo.close()
    beside.geo.close()
  }
})

t.test('files that become wrong: the last good one serves until the next good one', async (t) => {
  const path = join(t.testdir({ 'x.mmdb': good }), 'x.mmdb')
  const { geo, warnings } = await open(t, path)
  let told = 0
  for (const [name, [bytes, problem]] of Object.entries(bad)) {
    writeFileSync(path, bytes)
    await until(() => warnings().length > told)
    await looks()
    t.equal(warnings().length, ++told, `${name}: said once`)
    t.match(warnings().at(-1), problem, name)
    t.match(warnings().at(-1), /; the one in memory stays in use$/, name)
    t.ok(geo.locate('81.2.69.1'), name)
    const next = `After ${name}`
    writeFileSync(path, database(next))
    await until(() => geo.locate('81.2.69.1')?.city === next)
    t.equal(geo.locate('2a02:cf40::1')?.city, next)
  }
})

t.test('a file is not read while it is being written', async (t) => {
  const path = join(t.testdir({ 'x.mmdb': good }), 'x.mmdb')
  const { geo, infos, warnings } = await open(t, path)
  // Over the old one and without truncation: at every moment there is whole metadata at the end.
  const next = database('Next')
  t.equal(next.length, good.length)
  for (let at = 0; at < next.length; at += 20) {
    writeFileSync(path, Buffer.concat([next.subarray(0, at), good.subarray(at)]))
    await delay(1)
  }
  t.equal(infos().length, 1, 'opened once')
  t.strictSame(warnings(), [])
  t.equal(geo.locate('81.2.69.1')?.city, 'Good')
  writeFileSync(path, next)
  await until(() => geo.locate('81.2.69.1')?.city === 'Next')
})

t.test('files that go away stay in use until others take their place', async (t) => {
  const dir = t.testdir({
    '4.mmdb': database('Old 4', { networks: [['81.2.69.0/24', place('Old 4')]] }),
    '6.mmdb': database('Old 6', { networks: [['2a02:cf40::/29', place('Old 6')]] }),
  })
  const { geo, warnings } = await open(t, dir)
  const cities = () => [geo.locate('81.2.69.1')?.city, geo.locate('2a02:cf40::1')?.city]
  rmSync(dir, { recursive: true })
  await until(() => warnings().length === 2)
  await looks()
  t.match(warnings(), [/4\.mmdb is gone; the database in memory stays/, /6\.mmdb is gone/])
  t.equal(warnings().length, 2, 'said once')
  t.strictSame(cities(), ['Old 4', 'Old 6'])

  mkdirSync(dir)
  const older = Date.UTC(2020, 0, 1)
  replace(join(dir, 'a.mmdb'), database('', { networks: [['81.2.69.0/24', place('New')]], builtAt: older }))
  await until(() => cities()[0] === 'New')
  t.strictSame(cities(), ['New', 'Old 6'], 'an older one that is there goes before a newer one that is gone')
  replace(join(dir, 'b.mmdb'), database('New'))
  await until(() => cities()[1] === 'New')
  unlinkSync(join(dir, 'b.mmdb'))
  replace(join(dir, '6.mmdb'), database('Back', { networks: [['2a02:cf40::/29', place('Back')]] }))
  await until(() => cities()[1] === 'Back')
  t.strictSame(cities(), ['New', 'Back'])
})

t.test('a file that goes away stays in use for the addresses that the others do not know', async (t) => {
  const dir = t.testdir({ 'both.mmdb': database('Gone') })
  const { geo } = await open(t, dir)
  const only4 = database('', { networks: [['81.2.69.0/24', place('Here')]] })
  replace(join(dir, 'four.mmdb'), only4)
  unlinkSync(join(dir, 'both.mmdb'))
  await until(() => geo.locate('81.2.69.1')?.city === 'Here')
  await looks()
  t.equal(geo.locate('2a02:cf40::1')?.city, 'Gone')
})

t.test('a folder behind a link, exchanged as a whole', async (t) => {
  const dir = t.testdir({ one: { 'x.mmdb': database('One') }, two: { 'x.mmdb': database('Two') } })
  const current = join(dir, 'current')
  symlinkSync('one', current)
  const { geo } = await open(t, join(current, 'x.mmdb'))
  t.equal(geo.locate('81.2.69.1')?.city, 'One')
  symlinkSync('two', `${current}.new`)
  renameSync(`${current}.new`, current)
  await until(() => geo.locate('81.2.69.1')?.city === 'Two')
})

t.test('lookups go on while files are replaced fifty times', async (t) => {
  const dir = t.testdir({})
  const write = (generation: number) => {
    const cidrs = Array.from({ length: 200 }, (_, i) => `81.2.${i}.0/24`).concat('2a02:cf40::/29')
    const networks = cidrs.map((cidr) => [cidr, place(`${generation}`)] as const)
    replace(join(dir, 'x.mmdb'), database('', { networks }))
  }
  write(0)
  const { geo, warnings } = await open(t, dir)
  let lookups = 0
  let last = 0
  const wrong: unknown[] = []
  for (let generation = 1; generation <= 50; generation++) {
    write(generation)
    while (last < generation) {
      for (let i = 0; i < 50; i++) {
        const ip = i % 10 === 0 ? '2a02:cf41::1' : `81.2.${(lookups + i) % 200}.7`
        const found = geo.locate(ip)
        const seen = Number(found?.city)
        // Never a mixture, never an earlier generation after a later one.
        if (found?.ip !== ip || !(seen === last || seen === generation))
          wrong.push([ip, found, last, generation])
        last = seen
      }
      lookups += 50
      await delay(0)
    }
  }
  t.strictSame(wrong, [])
  t.strictSame(warnings(), [])
  t.equal(geo.locate('81.2.69.1')?.city, '50')
  t.ok(lookups >= 50 * 50)
})

t.test('a damaged record that the checks did not meet', async (t) => {
  const mark = 'Mark'.repeat(4)
  const networks = [
    ['2.2.2.0/24', place('Good')],
    ['81.2.69.0/24', place(mark)],
  ] as const
  const bytes = database('', { networks, ipVersion: 4 })
  // The control byte before the text: an extended type that does not exist.
  bytes[bytes.indexOf(mark) - 1] = 0
  const path = join(t.testdir({ 'x.mmdb': bytes }), 'x.mmdb')
  const { geo, warnings } = await open(t, path)
  for (let i = 0; i < 3; i++) t.equal(geo.locate('81.2.69.1'), undefined)
  t.equal(geo.locate('2.2.2.2')?.city, 'Good')
  t.strictSame(warnings(), [`${path} is damaged: some addresses cannot be looked up`])
})

t.test('closing ends the watch, and the watch alone keeps no process alive', async (t) => {
  const path = join(t.testdir({ 'x.mmdb': good }), 'x.mmdb')
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const { geo, infos } = await open(t, path)
  t.equal(timers(), before)
  geo.close()
  t.equal(geo.enabled, false)
  t.equal(geo.locate('81.2.69.1'), undefined)
  replace(path, database('Next'))
  await looks()
  t.equal(infos().length, 1)
  t.equal(readFileSync(path).includes('Next'), true)
})
