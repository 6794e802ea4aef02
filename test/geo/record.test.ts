import { continents, countries } from 'countries-list'
import fc from 'fast-check'
import t from 'tap'
import { placeReader } from '../../src/geo/record.js'
import { nothingKnown } from '../support/places.js'

const boxford = {
  city: { geoname_id: 2655045, names: { en: 'Boxford' } },
  continent: { code: 'EU', geoname_id: 6255148, names: { de: 'Europa', en: 'Europe' } },
  country: { geoname_id: 2635167, iso_code: 'GB', names: { de: 'UK', en: 'United Kingdom' } },
  location: { accuracy_radius: 100, latitude: 51.75, longitude: -1.25, time_zone: 'Europe/London' },
  postal: { code: 'OX1' },
  registered_country: { geoname_id: 3017382, iso_code: 'FR', names: { en: 'France' } },
  subdivisions: [
    { geoname_id: 6269131, iso_code: 'ENG', names: { en: 'England' } },
    { geoname_id: 3333217, iso_code: 'WBK', names: { en: 'West Berkshire' } },
  ],
}

t.test('canonical records', async (t) => {
  for (const type of [
    'GeoIP2-City',
    'GeoLite2-City',
    'GeoIP2-Enterprise',
    'GeoIP2-City-Europe',
    'DBIP-City-Lite',
    'DBIP-Location (compat=City)',
  ]) {
    const read = placeReader(type, {})
    t.strictSame(
      read?.(boxford),
      {
        continentCode: 'EU',
        continentName: 'Europe',
        countryCode: 'GB',
        countryName: 'United Kingdom',
        // The largest part comes first.
        regionCode: 'ENG',
        regionName: 'England',
        city: 'Boxford',
        postalCode: 'OX1',
        latitude: 51.75,
        longitude: -1.25,
        timeZone: 'Europe/London',
      },
      type,
    )
    t.strictSame(read?.({ location: { latitude: 0, longitude: -0.5 } }), {
      ...nothingKnown,
      latitude: 0,
      longitude: -0.5,
    })
    t.strictSame(read?.({ country: { iso_code: 'SE' }, postal: { code: '681 95' } }), {
      ...nothingKnown,
      continentCode: 'EU',
      continentName: 'Europe',
      countryCode: 'SE',
      countryName: 'Sweden',
      postalCode: '681 95',
    })
    t.strictSame(read?.({ country: { iso_code: 'ZZ' } }), { ...nothingKnown, countryCode: 'ZZ' })
    t.equal(
      read?.({ registered_country: boxford.registered_country }),
      undefined,
      'a registration is no place',
    )
  }
})

t.test('flat records', async (t) => {
  const flat = {
    city: 'Charlotte Amalie',
    country_code: 'VI',
    latitude: Math.fround(18.3419),
    longitude: Math.fround(-64.9307),
    postcode: '00802',
    state1: 'Saint Thomas',
    state2: 'Somewhere',
    timezone: 'America/St_Thomas',
  }
  for (const type of ['city ipv4', 'city ipv6', 'city', 'country']) {
    const read = placeReader(type, {})
    t.strictSame(
      read?.(flat),
      {
        continentCode: 'NA',
        continentName: 'North America',
        countryCode: 'VI',
        countryName: 'U.S. Virgin Islands',
        regionCode: undefined,
        regionName: 'Saint Thomas',
        city: 'Charlotte Amalie',
        postalCode: '00802',
        latitude: 18.3419,
        longitude: -64.9307,
        timeZone: 'America/St_Thomas',
      },
      type,
    )
    const empty = { city: '', country_code: '', postcode: '', state1: '', state2: '', timezone: '' }
    t.equal(read?.(empty), undefined)
    t.strictSame(read?.({ ...empty, city: 'x', latitude: Number.NaN, longitude: 181 }), {
      ...nothingKnown,
      city: 'x',
    })
  }
})

t.test('every country has a name and a continent', async (t) => {
  const read = placeReader('city ipv4', {})
  for (const code of Object.keys(countries)) {
    const place = read?.({ country_code: code })
    t.ok(place?.countryName && place.continentCode && place.continentCode in continents, code)
  }
})

t.test('an unknown type is judged by a record', async (t) => {
  t.match(placeReader('Our-Own', boxford)?.(boxford), { city: 'Boxford' })
  t.match(placeReader('Our-Own', { country_code: 'FR', city: 'Lyon' })?.({ city: 'Lyon' }), { city: 'Lyon' })
  for (const other of [{ autonomous_system_number: 1 }, { country: 'FR' }, {}, 'text', 7, [boxford]])
    t.equal(placeReader('GeoLite2-ASN', other), undefined, JSON.stringify(other))
})

t.test('a record of any form gives strings, numbers or nothing, and never throws', async (t) => {
  const flatKeys = ['country_code', 'state1', 'postcode', 'latitude', 'longitude', 'timezone']
  const key = fc.constantFrom(...Object.keys(boxford), ...flatKeys, 'names', 'en', 'iso_code', 'code')
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 7, '', 'text'),
      fc.dictionary(key, tie('value'), { maxKeys: 5 }),
      fc.array(tie('value'), { maxLength: 2 }),
    ),
  }))
  for (const read of [placeReader('GeoLite2-City', {}), placeReader('city ipv4', {})]) {
    const property = fc.property(fc.dictionary(key, value), (record) =>
      Object.entries(read?.(record) ?? {}).every(
        ([name, value]) =>
          value === undefined || typeof value === (name.endsWith('itude') ? 'number' : 'string'),
      ),
    )
    t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
  }
})
