/** Accounts behind the devise dialect: what its answers do not show, and what they must not. */
import t, { type Test } from 'tap'
import { quartiles } from '../../bench/quartiles.js'
import { placeOf, sessionsOfKey } from '../../src/store/keys.js'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { commandsDuring } from '../support/redis-state.js'
import { ada, operator, startService, type TestService } from '../support/service.js'

async function start(t: Test, env: Record<string, string> = {}): Promise<TestService> {
  const service = await startService(t, { env })
  await service.addAccount()
  return service
}

const validate = ({ app }: TestService, headers: Record<string, string>) =>
  app.inject({ url: '/auth/validate_token', headers })

t.test('an unknown account costs what a wrong password costs', async (t) => {
  const service = await start(t)
  const signIn = async (email: string) => {
    const payload = { email, password: 'incorrect horse' }
    const answer = await service.app.inject({ method: 'POST', url: '/auth/sign_in', payload })
    t.equal(answer.statusCode, 401)
  }
  /** Processor time of all threads, in µs. */
  const cost = async (email: string) => {
    const before = process.cpuUsage()
    await signIn(email)
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  const [wrong, unknown] = [ada.email, 'nobody@example.com']
  await signIn(wrong) // whatever runs for the first time
  const commands = (email: string) => commandsDuring(service.redis.client, () => signIn(email))
  t.strictSame(await commands(unknown), await commands(wrong))
  // In turn, and each beside its neighbour: a core that is shared counts up to twice the time for the same work.
  const ratios: number[] = []
  for (let i = 0; i < 15; i++) ratios.push((await cost(unknown)) / (await cost(wrong)))
  const ratio = quartiles(ratios).median
  t.ok(ratio > 0.8 && ratio < 1.25, `unknown / wrong = ${ratio.toFixed(2)}`)
})

t.test('a suspension is told only with the right password, and ends what is open', async (t) => {
  const service = await start(t)
  const { headers } = await service.signIn()
  await service.accounts.suspend(ada.uid, operator)
  t.equal((await validate(service, headers)).statusCode, 401)
  const signIn = async (password: string) => {
    const payload = { email: ada.email, password }
    return (await service.app.inject({ method: 'POST', url: '/auth/sign_in', payload })).json()
  }
  t.strictSame(await signIn(ada.password), { success: false, errors: ['User suspended.'] })
  t.strictSame(await signIn('incorrect horse'), {
    success: false,
    errors: ['Invalid login credentials. Please try again.'],
  })
  await service.accounts.restore(ada.uid, operator)
  t.equal((await validate(service, headers)).statusCode, 401, 'what has ended stays ended')
  t.equal((await validate(service, (await service.signIn()).headers)).statusCode, 200)
})

t.test('sign-in counts the address of the client from trusted gateways only', async (t) => {
  const { client } = (await startTwo(t)).trusting.redis
  const opened = (await client.xrange('cs:events', '-', '+'))
    .map(([, fields]) =>
      Object.fromEntries(fields.flatMap((_, i) => (i % 2 ? [] : [fields.slice(i, i + 2)]))),
    )
    .filter((event) => event.type === 'session.opened')
  t.strictSame(
    opened.map(({ ip }) => ip),
    ['203.0.113.7', '127.0.0.1'],
  )

  /** Two instances on one Redis: one behind a gateway on loopback, one that trusts nobody. */
  async function startTwo(t: Test) {
    const keys = { COUNTERSIGN_KEYS: generateMasterKeys() }
    const trusting = await start(t, { ...keys, COUNTERSIGN_TRUST_PROXY: '127.0.0.1' })
    const plain = await startService(t, { env: keys, redis: trusting.redis })
    for (const { app } of [trusting, plain]) {
      const answer = await app.inject({
        method: 'POST',
        url: '/auth/sign_in',
        headers: { 'x-forwarded-for': '198.51.100.66, 203.0.113.7', 'x-real-ip': '198.51.100.1' },
        payload: { email: ada.email, password: ada.password },
      })
      t.equal(answer.statusCode, 200)
    }
    await plain.connection.ping()
    return { trusting }
  }
})

t.test('signing out, deleting and changing the password leave no session behind', async (t) => {
  const service = await start(t)
  const sessions = () => service.redis.client.zcard(sessionsOfKey(placeOf(ada.uid)))
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => service.signIn()))
  t.equal(await sessions(), 3)
  await service.app.inject({ method: 'DELETE', url: '/auth/sign_out', headers: one?.headers ?? {} })
  t.equal(await sessions(), 2)
  const password = 'a ship in port'
  service.secrets.guard(password)
  const payload = { password, password_confirmation: password }
  await service.app.inject({ method: 'PUT', url: '/auth/password', headers: two?.headers ?? {}, payload })
  t.equal(await sessions(), 1)
  t.equal((await validate(service, three?.headers ?? {})).statusCode, 401)
  await service.app.inject({ method: 'DELETE', url: '/auth', headers: two?.headers ?? {} })
  t.equal(await sessions(), 0)
  t.equal(await service.accounts.find(ada.uid), undefined)
})

t.test('an account that signs in elsewhere has no password to change', async (t) => {
  const service = await startService(t)
  const callback = { uid: 'callback', provider: 'local', password: 'a password of a service' }
  await service.addAccount({ ...callback, roles: ['service'] })
  await service.addAccount({ uid: 'octocat', provider: 'github' })
  const opened = await service.app.inject({
    method: 'POST',
    url: '/accounts/octocat/sessions',
    headers: { authorization: `Basic ${Buffer.from(`callback:${callback.password}`).toString('base64')}` },
    payload: {},
  })
  t.equal(opened.statusCode, 201)
  const password = 'a ship in port'
  service.secrets.guard(password)
  const refused = await service.app.inject({
    method: 'PUT',
    url: '/auth/password',
    headers: { 'access-token': String(opened.headers['access-token']) },
    payload: { password, password_confirmation: password },
  })
  t.equal(refused.statusCode, 422)
  t.strictSame(refused.json(), {
    success: false,
    errors: ["This account does not require a password. Sign in using your 'Github' account instead."],
  })
})
