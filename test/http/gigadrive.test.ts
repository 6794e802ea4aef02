/** What transcripts cannot say of the Gigadrive dialect: locations, order over time, outages. */
import t from 'tap'
import { IpStackResult, Token, tokenOf, userOf } from '../../src/http/gigadrive-wire.js'
import type { KnownLocation } from '../../src/location.js'
import type { Session, SessionView } from '../../src/session.js'
import { ada, startService } from '../support/service.js'

const location: KnownLocation = {
  id: 7,
  ip: '81.2.69.142',
  type: 'ipv4',
  continentCode: 'EU',
  continentName: 'Europe',
  countryCode: 'GB',
  countryName: 'United Kingdom',
  regionCode: 'ENG',
  regionName: 'England',
  city: 'London',
  postalCode: 'SW1A',
  latitude: 51.5142,
  longitude: -0.0931,
  timeZone: 'Europe/London',
  locatedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
}
const session: Session = {
  handle: 'tWkp81TxTcKZhJu6YV4m5g',
  tag: 'abc',
  uid: ada.uid,
  kind: 'fixed',
  createdAt: Date.UTC(2020, 7, 29, 12),
  expiresAt: Date.UTC(2021, 1, 28, 12),
  endsAt: Date.UTC(2021, 1, 28, 12),
  scopes: [],
}
const view: SessionView = {
  session,
  lastSeenAt: Date.UTC(2020, 7, 30, 12),
  description: undefined,
  ip: location.ip,
  userAgent: 'Firefox',
  device: { type: undefined, os: undefined, browser: undefined },
  location,
  notifications: true,
}

t.test('every key of a Token and of its location is there, nulls included', async (t) => {
  const token = tokenOf(view, undefined)
  t.strictSame(token, {
    id: session.handle,
    lastIP: '81.2.69.142',
    userAgent: 'Firefox',
    time: '2020-08-29T12:00:00+00:00',
    lastAccessTime: '2020-08-30T12:00:00+00:00',
    expiry: '2021-02-28T12:00:00+00:00',
    ipStackResult: {
      id: 7,
      ip: '81.2.69.142',
      type: 'ipv4',
      continentCode: 'EU',
      continentName: 'Europe',
      countryCode: 'GB',
      countryName: 'United Kingdom',
      regionCode: 'ENG',
      regionName: 'England',
      city: 'London',
      zipCode: null,
      postalCode: 'SW1A',
      latitude: 51.5142,
      longitude: -0.0931,
      time: '2026-01-02T03:04:05+00:00',
    },
    notifications: true,
    current: false,
    kind: 'fixed',
  })
  t.strictSame(Object.keys(token).sort(), Object.keys(Token.properties).sort())

  const { id, ip, type, timeZone, locatedAt } = location
  const unknown = Object.fromEntries(Object.keys(location).map((key) => [key, undefined]))
  const nowhere = { ...unknown, id, ip, type, timeZone, locatedAt } as unknown as KnownLocation // most of it undefined
  const bare = tokenOf({ ...view, ip: undefined, userAgent: '', location: nowhere }, undefined)
  t.strictSame(Object.keys(bare.ipStackResult ?? {}).sort(), Object.keys(IpStackResult.properties).sort())
  t.strictSame(
    Object.entries(bare.ipStackResult ?? {}).flatMap(([key, value]) => (value === null ? [] : [key])),
    ['id', 'ip', 'type', 'time'],
  )
  t.match(bare, { lastIP: '', userAgent: '' })
  t.equal(tokenOf({ ...view, location: undefined }, undefined).ipStackResult, null)
})

t.test('a zip code is an integer or null; what is none stands in full beside it', async (t) => {
  const codes: [string | undefined, number | null][] = [
    ['94107', 94_107],
    ['01069', null],
    ['OX1', null],
    ['681 95', null],
    ['0', null],
    ['1e3', null],
    [undefined, null],
  ]
  for (const [postalCode, zipCode] of codes)
    t.match(tokenOf({ ...view, location: { ...location, postalCode } }, undefined).ipStackResult, {
      zipCode,
      postalCode: postalCode ?? null,
    })
})

t.test('the id is the secret only to whom presented it', async (t) => {
  const own = { handle: session.handle, token: 'cst_secret' }
  t.match(tokenOf(view, own), { id: 'cst_secret', current: true })
  t.match(tokenOf(view, { ...own, handle: 'AAAAAAAAAAAAAAAAAAAAAA' }), {
    id: session.handle,
    current: false,
  })
})

t.test('what an account says of itself cannot shadow what we say', async (t) => {
  const attributes = { id: 99, uid: 'root', suspended: true, username: '', name: 'Ada', bio: 'Countess' }
  const account = {
    id: 1,
    uid: ada.uid,
    provider: 'email',
    email: undefined,
    attributes,
    roles: [],
    createdAt: session.createdAt,
    updatedAt: session.createdAt,
  }
  t.strictSame(userOf(account), {
    id: 1,
    uid: ada.uid,
    suspended: false,
    username: ada.uid,
    displayName: 'Ada',
    name: 'Ada',
    bio: 'Countess',
    time: '2020-08-29T12:00:00+00:00',
  })
})

t.test('listed: most recently used first, live ones only, as they were last used', async (t) => {
  const service = await startService(t)
  await service.addAccount()
  const payload = { uid: ada.uid, password: ada.password }
  const open = async (userAgent: string) =>
    (
      await service.app.inject({
        method: 'POST',
        url: '/token',
        payload,
        headers: { 'user-agent': userAgent },
      })
    ).json().id as string
  const list = async (token: string, userAgent: string) =>
    (
      await service.app.inject({
        url: '/token',
        headers: { authorization: `Bearer ${token}`, 'user-agent': userAgent },
      })
    )
      .json()
      .map((token: { userAgent: string }) => token.userAgent)
  const [one, two] = [await open('one'), await open('two')]
  t.strictSame(await list(one, 'one again'), ['one again', 'two'])
  t.strictSame(await list(two, 'two again'), ['two again', 'one again'])
  const short = { jwt_token_description: 'Gone soon', jwt_token_life: 0.05 }
  const headers = { authorization: `Bearer ${one}` }
  await service.app.inject({ method: 'POST', url: '/v1alpha/token', payload: short, headers })
  const { jwt_token_remaining_life: left } = Object.values<{ jwt_token_remaining_life: number }>(
    (await service.app.inject({ url: '/v1alpha/token', headers })).json().jwt_tokens,
  )[0] ?? { jwt_token_remaining_life: 1 }
  await new Promise((resolve) => setTimeout(resolve, left * 1000 + 5))
  t.strictSame(await list(one, 'one'), ['one', 'two again'], 'an expired JWT is in the list of Specter only')
})

t.test('while Redis is away', async (t) => {
  const service = await startService(t)
  await service.addAccount()
  const { token } = await service.signIn()
  await service.redis.kill()
  const headers = { authorization: `Bearer ${token}` }
  for (const [method, url] of [
    ['GET', '/token'],
    ['DELETE', '/token'],
    ['POST', '/token/verify'],
  ] as const) {
    const answer = await service.app.inject({ method, url, headers })
    t.equal(answer.statusCode, 503, `${method} ${url}`)
    t.equal(answer.headers['retry-after'], '1')
    t.strictSame(answer.json(), { error: 'The session store is not available. Try again.' })
  }
  const forged = { authorization: `Bearer ${token.slice(0, -2)}AA` }
  t.equal((await service.app.inject({ url: '/token', headers: forged })).statusCode, 401, 'no Redis, no need')
  await service.redis.restart()
})
