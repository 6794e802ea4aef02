/**
 * Bad values for each part of a credential, from every source: each is refused with a precise 4xx in the dialect's
 * envelope, changes nothing in Redis, and does not even reach it.
 */
import t, { type Test } from 'tap'
import { type RawRequest, sources } from '../support/bad-requests.js'
import { readEverything } from '../support/redis-state.js'
import { ask, prepare, refuses, unauthorized } from '../support/refusals.js'
import type { TestService } from '../support/service.js'

const long = 'x'.repeat(10_000)

/** What each value may be instead of the right one; every entry alone makes the credential a bad one. */
function spoil(good: string): Record<string, unknown> {
  return {
    doubled: [good, good],
    'doubled, the second empty': [good, ''],
    'doubled, the second wrong': [good, 'wrong'],
    '10 kB': long,
    '10 kB behind the right one': good + long,
    'non-ASCII': `${good}é`,
    'a letter that only looks like one': `а${good.slice(1)}`,
    NUL: `${good}\0`,
    'NUL in front': `\0${good}`,
    'an inner space': `${good.slice(0, 5)} ${good.slice(5)}`,
    percent: `${good}%00`,
    'the word undefined': 'undefined',
    'the word null': 'null',
  }
}

const spoiledToken = (good: string): Record<string, unknown> => ({
  ...spoil(good),
  missing: undefined,
  empty: '',
  'prefix only': 'cst_',
  'no prefix': good.slice(4),
  'another prefix': good.replace('cst_', 'CST_'),
  'one character short': good.slice(0, -1),
  'one character long': `${good}A`,
  padded: `${good}=`,
  // 41 bytes leave two bits of the last character unused: the next character decodes to the same bytes.
  'spelled otherwise': good.slice(0, -1) + String.fromCharCode(good.charCodeAt(good.length - 1) + 1),
  'in base64 with + and /': `cst_${Buffer.from(good.slice(4), 'base64url').toString('base64').replace(/=+$/, '')}+`,
  'in another case': good.toUpperCase(),
})

const spoiledClient = (good: string): Record<string, unknown> => ({
  ...spoil(good),
  'spelled otherwise': good.slice(0, -1) + String.fromCharCode(good.charCodeAt(good.length - 1) + 1),
  'in another case': good.toLowerCase() === good ? good.toUpperCase() : good.toLowerCase(),
  default: 'default',
})

const spoiledUid = (good: string): Record<string, unknown> => ({
  ...spoil(good),
  "somebody else's": 'eve@example.com',
})

const wrongTypes = {
  number: 7,
  true: true,
  false: false,
  object: { a: 1 },
  list: ['a'],
  'list of lists': [['a']],
}

for (const [name, spoiled] of Object.entries({
  'access-token': spoiledToken,
  client: spoiledClient,
  uid: spoiledUid,
})) {
  t.test(`${name}: bad values from every source`, async (t) => {
    const { service, good } = await prepare(t)
    for (const [source, place] of Object.entries(sources)) {
      const table = { ...spoiled(String(good[name])) }
      if (source === 'json' || source === 'bearer') {
        // In one JSON object the last of two equal names counts (RFC 8259 section 4): the right one twice is right.
        delete table.doubled
        if (name !== 'access-token') delete table['doubled, the second empty']
        for (const [type, value] of Object.entries(wrongTypes)) table[type] = [value]
      }
      for (const [what, value] of Object.entries(table)) {
        const request = place({ ...good, [name]: value })
        const label = `${name} in ${source}: ${what}`
        if (source === 'header' && String(value).includes('\0'))
          await refusedByTheParser(t, service, label, request)
        else await refuses(t, service, label, request, unauthorized)
      }
    }
    const after = await ask(service, sources.header?.(good) ?? {})
    t.equal(after.status, 'HTTP/1.1 200 OK', 'and the right one still works')
  })
}

/** NUL cannot stand in a header (RFC 9110 section 5.5): there is no request yet, and no dialect. */
async function refusedByTheParser(t: Test, service: TestService, what: string, request: RawRequest) {
  const before = await readEverything(service.redis.client)
  t.match(await ask(service, request), { status: /^HTTP\/1\.1 400 / }, what)
  t.strictSame(await readEverything(service.redis.client), before, `${what}: nothing has changed`)
}
