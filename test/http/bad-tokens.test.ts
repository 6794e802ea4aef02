/** Tokens that are none, or no longer, or somebody else's: refused, without a trace, and in process unless the MAC is good. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { placeOf } from '../../src/store/keys.js'
import { createCountersigner } from '../../src/token/countersign.js'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'
import { type Fields, sources } from '../support/bad-requests.js'
import { commandsDuring, readEverything } from '../support/redis-state.js'
import { ask, type Expected, prepare, refuses, unauthorized } from '../support/refusals.js'
import { ada, type SignedIn } from '../support/service.js'

t.test('tokens of others, right ones in wrong company, old ones', async (t) => {
  const { service, good, token } = await prepare(t)
  const eve = { uid: 'eve@example.com', provider: 'email', password: 'a ship in port' }
  await service.addAccount(eve)
  const other: SignedIn = await service.signIn()
  const others: SignedIn = await service.signIn(eve.uid, eve.password)
  const gone = await service.signIn()
  await service.app.inject({ method: 'DELETE', url: '/auth/sign_out', headers: gone.headers })
  await service.noted(() => ask(service, sources.header?.(good) ?? {}))

  const [id] = service.config.masterKeys.byId.keys()
  const foreignKeys = (keyId: number) =>
    createCountersigner(parseMasterKeys(`${keyId}:${randomBytes(32).toString('base64url')}`))
  const { tag } = placeOf(ada.uid)
  const foreign = (keyId: number) => {
    const countersigner = foreignKeys(keyId)
    return countersigner.mint(countersigner.begin(tag, 1), 1, 0)
  }
  const ours = createCountersigner(service.config.masterKeys)
  const neverOpened = ours.begin(tag, 1)
  const claim = ours.verify(token)
  if (typeof claim === 'string' || id === undefined) throw new Error('the good token is good')

  const table: Record<string, [Fields, Partial<Expected>?]> = {
    "another session's client": [{ ...good, client: other.handle }],
    "another session's token": [{ ...good, 'access-token': other.token }],
    "another account's token": [{ ...good, 'access-token': others.token }],
    "another account's token and client": [{ ...others.headers, uid: ada.uid }],
    "another account's uid": [{ ...good, uid: eve.uid }],
    'another uid with the same slot tag': [{ ...good, uid: uidWithTag(tag) }, { refusedBy: 'redis' }],
    'another key ring, the same key id': [{ 'access-token': foreign(id) }],
    'another key ring, another key id': [{ 'access-token': foreign((id + 1) % 256) }],
    'a session that never was': [{ 'access-token': ours.mint(neverOpened, 1, 0) }, { refusedBy: 'redis' }],
    'a session that was ended': [gone.headers, { refusedBy: 'redis' }],
  }
  for (const [source, place] of Object.entries(sources))
    for (const [what, [fields, more]] of Object.entries(table))
      await refuses(t, service, `${what}, in ${source}`, place(fields), { ...unauthorized, ...more })
})

/** The tag is 16 bits of a hash: somebody else's uid has the same after some ten thousand tries. */
function uidWithTag(tag: string): string {
  for (let i = 0; ; i++) if (placeOf(`user-${i}`).tag === tag) return `user-${i}`
}

t.test('an expired session', async (t) => {
  const { service, good } = await prepare(t, { COUNTERSIGN_IDLE_LIFE: '1500 ms' })
  while ((await service.redis.client.keys('cs:[su]:*')).length > 0) await delay(20)
  for (const [source, place] of Object.entries(sources))
    await refuses(t, service, source, place(good), { ...unauthorized, refusedBy: 'redis' })
})

t.test('one bit flipped, at each position', async (t) => {
  const { service, token } = await prepare(t)
  const bytes = Buffer.from(token.slice(4), 'base64url')
  const { client } = service.redis
  const before = await readEverything(client)
  const statuses = new Map<number, number>()
  const commands = await commandsDuring(client, async () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const headers = { 'access-token': `cst_${flipped.toString('base64url')}` }
      const { statusCode } = await service.app.inject({ url: '/auth/validate_token', headers })
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
    }
  })
  t.strictSame(Object.fromEntries(statuses), { 401: 328 })
  t.strictSame(commands, {})
  t.strictSame(await readEverything(client), before)
})

t.test('every guarded route refuses in its own words', async (t) => {
  const { service, good, token } = await prepare(t)
  const routes: [method: string, path: string, expected: Expected][] = [
    ['GET', '/auth/validate_token', unauthorized],
    [
      'DELETE',
      '/auth/sign_out',
      {
        status: '404 Not Found',
        body: { success: false, errors: ['User was not found or was not logged in.'] },
      },
    ],
    [
      'PUT',
      '/auth',
      { status: '404 Not Found', body: { success: false, errors: ['User not found.'], status: 'error' } },
    ],
    [
      'DELETE',
      '/auth',
      {
        status: '404 Not Found',
        body: { success: false, errors: ['Unable to locate account for destruction.'], status: 'error' },
      },
    ],
    [
      'PATCH',
      '/auth/password',
      { status: '401 Unauthorized', body: { success: false, errors: ['Unauthorized'] } },
    ],
  ]
  const keys = createCountersigner(parseMasterKeys(generateMasterKeys()))
  const bad: Record<string, Fields> = {
    none: {},
    forged: {
      ...good,
      'access-token': `${token.slice(0, 30)}${token[30] === 'A' ? 'B' : 'A'}${token.slice(31)}`,
    },
    foreign: { ...good, 'access-token': keys.mint(keys.begin(placeOf(ada.uid).tag, 1), 1, 0) },
    'wrong client': { ...good, client: 'wrong' },
    'wrong uid': { ...good, uid: 'wrong' },
  }
  for (const [method, path, expected] of routes)
    for (const [what, fields] of Object.entries(bad)) {
      const { headers = [], body = '' } = sources.json?.(fields) ?? {}
      await refuses(t, service, `${method} ${path}: ${what}`, { method, path, headers, body }, expected)
    }
})

t.test('a refused request is no use of the session', async (t) => {
  const { service, good, token } = await prepare(t)
  const { client } = service.redis
  const before = await client.keys('cs:ua:*')
  const bad: Fields[] = [{ client: 'wrong' }, { uid: 'wrong' }, { 'access-token': `${token}A` }]
  for (const fields of bad) {
    const { headers = [] } = sources.header?.({ ...good, ...fields }) ?? {}
    const { status } = await ask(service, { headers: [...headers, 'User-Agent: thief'] })
    t.equal(status, 'HTTP/1.1 401 Unauthorized')
  }
  // What was noted before this use would be written with it.
  await service.noted(() => ask(service, sources.header?.(good) ?? {}))
  t.strictSame(await client.keys('cs:ua:*'), before)
})
