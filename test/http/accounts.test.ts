/** What transcripts cannot say of the account routes: many pages, what is left in Redis, several instances. */
import t, { type Test } from 'tap'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { ada, startService, type TestService } from '../support/service.js'

const admin = {
  uid: 'admin',
  provider: 'local',
  password: 'a password for the admin',
  roles: ['admin'],
} as const
const headers = {
  authorization: `Basic ${Buffer.from(`${admin.uid}:${admin.password}`).toString('base64')}`,
}

async function start(t: Test): Promise<TestService> {
  const service = await startService(t)
  await service.addAccount(admin)
  return service
}

t.test('pages follow one another: all accounts, each once, whatever comes and goes meanwhile', async (t) => {
  const { app, addAccount, accounts } = await start(t)
  const uids = Array.from({ length: 10 }, (_, i) => `account-${i}`)
  for (const uid of uids) await addAccount({ uid, provider: 'local' })
  const seen: string[] = []
  let after = ''
  let pages = 0
  do {
    const page = (await app.inject({ url: `/accounts?limit=3${after}`, headers })).json()
    seen.push(...page.accounts.map(({ uid }: { uid: string }) => uid))
    t.ok(page.accounts.length <= 3)
    if (pages++ === 0) {
      await accounts.remove('account-0', { uid: 'admin', ip: '::1', userAgent: '' })
      await addAccount({ uid: 'account-10', provider: 'local' })
    }
    after = page.next === null ? '' : `&after=${page.next}`
  } while (after !== '')
  t.strictSame(seen, ['admin', ...uids, 'account-10'])
  t.ok(pages >= 4)
})

t.test('with an account goes everything of it', async (t) => {
  const { app, addAccount, signIn, redis, connection } = await start(t)
  const keys = async () =>
    (await redis.client.keys('*')).filter((key) => !/^cs:(events|ua:|geo)/.test(key)).sort()
  await app.inject({ url: '/accounts', headers })
  const before = await keys()
  await addAccount({ ...ada, attributes: { username: 'countess' } })
  await signIn()
  const basic = `Basic ${Buffer.from(`countess:${ada.password}`).toString('base64')}`
  const payload = { jwt_token_description: 'Job', jwt_token_life: '1 day' }
  await app.inject({ method: 'POST', url: '/v1alpha/token', headers: { authorization: basic }, payload })
  t.ok((await keys()).length > before.length + 4)

  const { statusCode } = await app.inject({ method: 'DELETE', url: `/accounts/${ada.uid}`, headers })
  t.equal(statusCode, 204)
  await connection.ping()
  const left = (await keys()).filter((key) => !before.includes(key))
  t.ok(
    left.every((key) => key.startsWith('cs:rv:')),
    `only what says that its sessions are over: ${left}`,
  )
  for (const login of [ada.uid, 'countess'])
    t.equal(
      (
        await app.inject({
          method: 'POST',
          url: '/auth/sign_in',
          payload: { uid: login, password: ada.password },
        })
      ).statusCode,
      401,
    )
})

t.test('a password, a suspension and a deletion count on every instance', async (t) => {
  const env = { COUNTERSIGN_KEYS: generateMasterKeys() }
  const one = await startService(t, { env })
  const other = await startService(t, { env, redis: one.redis })
  await one.addAccount(admin)
  await one.addAccount()
  const signIn = async (password: string) =>
    (await other.app.inject({ method: 'POST', url: '/auth/sign_in', payload: { uid: ada.uid, password } }))
      .statusCode
  const ask = async (method: 'PUT' | 'POST' | 'DELETE', url: string, payload?: object) =>
    (await one.app.inject({ method, url, headers, ...(payload && { payload }) })).statusCode

  t.equal(await signIn(ada.password), 200)
  t.equal(await ask('PUT', `/accounts/${ada.uid}/password`, { password: 'another horse battery' }), 204)
  t.strictSame([await signIn(ada.password), await signIn('another horse battery')], [401, 200])
  t.equal(await ask('POST', `/accounts/${ada.uid}/suspend`), 200)
  t.equal(await signIn('another horse battery'), 401)
  t.equal(await ask('POST', `/accounts/${ada.uid}/restore`), 200)
  t.equal(await signIn('another horse battery'), 200)
  t.equal(await ask('DELETE', `/accounts/${ada.uid}`), 204)
  t.equal(await signIn('another horse battery'), 401)
})

t.test('while Redis is away', async (t) => {
  const { app, redis } = await start(t)
  await app.inject({ url: '/accounts', headers })
  await redis.kill()
  const answer = await app.inject({ url: '/accounts', headers })
  t.equal(answer.statusCode, 503)
  t.equal(answer.headers['retry-after'], '1')
  t.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
  await redis.restart()
})
