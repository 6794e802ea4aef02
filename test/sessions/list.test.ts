import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { boxford, geoFolder } from '../support/activity-world.js'
import { basic } from '../support/oauth.js'
import { ada, startService, type TestService } from '../support/service.js'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0'
const gateway = '127.0.0.1/32'

async function start(t: Test, env: Record<string, string> = {}) {
  const service = await startService(t, {
    env: { COUNTERSIGN_GEO_DB: await geoFolder(t), COUNTERSIGN_TRUST_PROXY: gateway, ...env },
  })
  await service.addAccount()
  return service
}

/** What Gigadrive's listing says of the one session there is, when `headers` come from `remoteAddress`. */
async function listFrom(
  { app }: TestService,
  token: string,
  headers: Record<string, string>,
  remoteAddress = '127.0.0.1',
) {
  return (await listAll({ app }, token, headers, remoteAddress))[0]
}

async function listAll(
  { app }: Pick<TestService, 'app'>,
  token: string,
  headers: Record<string, string>,
  remoteAddress = '127.0.0.1',
) {
  const authorization = `Bearer ${token}`
  const answer = await app.inject({ url: '/token', headers: { authorization, ...headers }, remoteAddress })
  return answer.json()
}

t.test('GET /token shows the whole IpStackResult, once the address is located', async (t) => {
  const service = await start(t)
  const { token } = await service.signIn()
  const use = { 'x-forwarded-for': '::ffff:81.2.69.142', 'user-agent': firefox }
  let seen = await listFrom(service, token, use)
  while (seen.ipStackResult === null) seen = await listFrom(service, token, use)
  t.strictSame(
    { ...seen.ipStackResult, time: 0 },
    {
      id: 1,
      ip: '81.2.69.142',
      type: 'ipv4',
      continentCode: boxford.continent.code,
      continentName: 'Europe',
      countryCode: 'GB',
      countryName: 'United Kingdom',
      regionCode: 'WBK',
      regionName: 'West Berkshire',
      city: 'Boxford',
      zipCode: null,
      postalCode: 'OX1',
      latitude: 51.75,
      longitude: -1.25,
      time: 0,
    },
  )
  t.match(seen, { lastIP: '81.2.69.142', userAgent: firefox, current: true })
  t.match(seen.ipStackResult.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/)
})

t.test('a listing knows what was noted a moment ago', async (t) => {
  const service = await start(t)
  const { token } = await service.signIn()
  for (const userAgent of ['one', firefox, '', 'curl/8']) {
    const before = Date.now()
    const seen = await listFrom(service, token, { 'x-forwarded-for': '89.160.1.1', 'user-agent': userAgent })
    t.match(seen, { lastIP: '89.160.1.1', userAgent })
    t.ok(Date.parse(seen.lastAccessTime) >= before - 2_000)
  }
})

t.test('the address comes from trusted proxies alone, from right to left', async (t) => {
  const service = await start(t, { COUNTERSIGN_TRUST_PROXY: `${gateway},10.0.0.0/8,2001:db8::/32` })
  const { token } = await service.signIn()
  for (const [expected, forwarded, peer] of [
    ['81.2.69.142', '81.2.69.142', '127.0.0.1'],
    ['2a02:cf40::1', '2a02:cf40:0::1', '127.0.0.1'],
    ['2a02:cf40::1', '2A02:CF40::1', '2001:db8::1'],
    ['81.2.69.142', '::ffff:81.2.69.142', '127.0.0.1'],
    ['81.2.69.142', '81.2.69.142', '::ffff:127.0.0.1'],
    ['81.2.69.142', '1.2.3.4, 81.2.69.142', '127.0.0.1'],
    ['81.2.69.142', '1.2.3.4, 81.2.69.142, 10.1.2.3, 2001:db8::7', '127.0.0.1'],
    ['81.2.69.142', '127.0.0.1, 81.2.69.142', '10.9.9.9'],
    ['89.160.1.1', '81.2.69.142', '89.160.1.1'],
    ['2a02:cf40::2', '81.2.69.142, 127.0.0.1', '2a02:cf40::2'],
    ['127.0.0.1', '', '127.0.0.1'],
  ] as const) {
    const seen = await listFrom(
      service,
      token,
      forwarded === '' ? {} : { 'x-forwarded-for': forwarded },
      peer,
    )
    t.equal(seen.lastIP, expected, `${forwarded} by ${peer}`)
  }
  const others = ['x-real-ip', 'true-client-ip', 'cf-connecting-ip', 'cf-connecting-ipv6', 'fastly-client-ip']
  for (const name of [...others, 'x-client-ip', 'x-cluster-client-ip', 'forwarded']) {
    const value = name === 'forwarded' ? 'for=81.2.69.142' : '81.2.69.142'
    t.equal((await listFrom(service, token, { [name]: value })).lastIP, '127.0.0.1', name)
  }
})

t.test('without trusted proxies, nobody is believed', async (t) => {
  const service = await start(t, { COUNTERSIGN_TRUST_PROXY: '' })
  const { token } = await service.signIn()
  const forged = { 'x-forwarded-for': '81.2.69.142' }
  t.equal((await listFrom(service, token, forged)).lastIP, '127.0.0.1')
  t.equal((await listFrom(service, token, forged, '89.160.1.1')).lastIP, '89.160.1.1')
})

t.test('what is opened is shown as the list has it, even when it is gone already', async (t) => {
  const service = await start(t)
  const { token } = await service.signIn()
  const use = { 'x-forwarded-for': '::ffff:81.2.69.142', 'user-agent': `${firefox} ${'x'.repeat(600)}` }
  const authorization = basic(ada.uid, ada.password)
  const open = async () => {
    const answer = await service.app.inject({
      method: 'POST',
      url: '/token',
      headers: { authorization, ...use },
    })
    service.secrets.guard(answer.json().id)
    return answer.json()
  }
  await open()
  const list = (): Promise<Record<string, unknown>[]> => listAll(service, token, {})
  while ((await list()).every(({ ipStackResult }) => ipStackResult === null)); // located after the answer
  const opened = await open()
  const listed = await list()
  const { id, current, lastAccessTime, ...facts } = opened
  t.equal(current, true)
  t.match(facts, { lastIP: '81.2.69.142', ipStackResult: { city: 'Boxford' } })
  // Opening is its first use, which this instance notes a moment later, by its own clock.
  const same = listed.filter((one) => isDeepStrictEqual({ ...one, id, current, lastAccessTime }, opened))
  t.not(same.length, 0)
  t.ok(Math.abs(Date.parse(String(same[0]?.lastAccessTime)) - Date.parse(lastAccessTime)) <= 1000)

  const all = await Promise.all(Array.from({ length: 30 }, open))
  t.ok(
    all.every(({ kind }) => kind === 'fixed'),
    'also those that have made room already',
  )
})

t.test('services see devices and countries', async (t) => {
  const service = await start(t)
  await service.addAccount({ ...ada, uid: 'gateway', email: 'gateway@example.com', roles: ['service'] })
  const { token } = await service.signIn('gateway')
  const authorization = `Bearer ${token}`
  const url = `/accounts/${ada.uid}/sessions`
  const opened = await service.app.inject({
    method: 'POST',
    url,
    payload: {},
    headers: { authorization, 'x-forwarded-for': '81.2.69.142', 'user-agent': firefox },
  })
  t.equal(opened.statusCode, 201)
  const { id, token: opensWith } = opened.json()
  service.secrets.guard(opensWith)
  const sessionIs = async () =>
    (
      await service.app.inject({ url: `${url}/${id}`, headers: { authorization, 'user-agent': 'curl/8' } })
    ).json()
  let seen = await sessionIs()
  while (seen.country === null) seen = await sessionIs()
  t.match(seen, {
    ip: '81.2.69.142',
    userAgent: firefox,
    device: { type: 'desktop', os: 'Linux', browser: 'Firefox' },
    country: 'GB',
  })
  await listFrom(service, opensWith, { 'user-agent': 'okhttp/4.9.3' })
  t.match(await sessionIs(), { userAgent: 'okhttp/4.9.3', device: { type: null, os: null, browser: null } })
})
