import t from 'tap'
import type { Location } from '../../src/location.js'
import { createSharedFacts } from '../../src/store/shared-facts.js'
import { nothingKnown } from '../support/places.js'
import { startRedis } from '../support/redis.js'

const nowhere: Location = { ...nothingKnown, ip: '81.2.69.142', type: 'ipv4' }
const dresden: Location = {
  ip: '2a02:cf40::1',
  type: 'ipv6',
  continentCode: 'EU',
  continentName: 'Europe',
  countryCode: 'DE',
  countryName: 'Germany',
  regionCode: 'SN',
  regionName: 'Saxony',
  city: 'Dresden "Elbflorenz", Äußere Neustadt',
  postalCode: '01069',
  latitude: 51.0504,
  longitude: -179.9999,
  timeZone: 'Europe/Berlin',
}

t.test('locations come back as they were', async (t) => {
  const { client } = await startRedis(t)
  const facts = createSharedFacts({ redis: client })
  const equator = { ...nowhere, ip: '81.2.69.143', latitude: 0, longitude: -0.0001 }
  await facts.saveLocations([nowhere, dresden, equator])
  const before = Date.now()
  const read = await createSharedFacts({ redis: client }).readLocations([
    '89.1.1.1',
    nowhere.ip,
    dresden.ip,
    equator.ip,
  ])
  t.equal(read.size, 3)
  for (const location of [nowhere, dresden, equator]) {
    const { id, locatedAt, ...rest } = read.get(location.ip)?.location ?? { id: 0, locatedAt: 0 }
    t.strictSame(rest, location)
    t.ok(id >= 1 && id <= 3)
    t.ok(Math.abs(before - locatedAt) < 10_000)
  }
})

t.test('the addresses of a city share its words', async (t) => {
  const { client } = await startRedis(t)
  const facts = createSharedFacts({ redis: client })
  const ips = Array.from({ length: 100 }, (_, i) => `81.2.69.${i}`)
  await facts.saveLocations(ips.map((ip) => ({ ...dresden, ip, type: 'ipv4' })))
  t.match(await client.keys('cs:place:*'), { length: 1 })
  t.equal(await client.strlen('cs:geo:81.2.69.7'), 26)
  const [placeKey = ''] = await client.keys('cs:place:*')
  t.ok((await client.ttl(placeKey)) > (await client.ttl('cs:geo:81.2.69.7')), 'and the words outlive them')
  await client.del(placeKey)
  const other = createSharedFacts({ redis: client })
  t.equal((await other.readLocations(ips)).size, 0, 'without its words a location is looked up again')
  await other.saveLocations([{ ...dresden, ip: '81.2.69.7', type: 'ipv4' }])
  t.match((await other.readLocations(ips)).get('81.2.69.7'), { location: { city: dresden.city } })
})

t.test('user agents by their hash', async (t) => {
  const { client } = await startRedis(t)
  const facts = createSharedFacts({ redis: client })
  await facts.saveUserAgents(['one', 'two', 'one'])
  const hashes = (await client.keys('cs:ua:*')).map((key) => key.slice('cs:ua:'.length))
  t.strictSame([...(await facts.readUserAgents([...hashes, 'none'])).values()].sort(), ['one', 'two'])
})
