/** What transcripts cannot say of the sessions of others: names beyond ASCII, and what signing out everywhere costs. */
import t, { type Test } from 'tap'
import { until } from '../support/redis-groups.js'
import { commandsDuring } from '../support/redis-state.js'
import { startService, type TestService } from '../support/service.js'

const callback = {
  uid: 'callback',
  provider: 'local',
  password: 'a password for it',
  roles: ['service'],
} as const
const headers = {
  authorization: `Basic ${Buffer.from(`${callback.uid}:${callback.password}`).toString('base64')}`,
}

async function start(t: Test, env: Record<string, string> = {}): Promise<TestService> {
  const service = await startService(t, { env })
  await service.addAccount(callback)
  return service
}

const open = ({ app }: TestService, uid: string, payload: object) =>
  app.inject({ method: 'POST', url: `/accounts/${encodeURIComponent(uid)}/sessions`, headers, payload })

/** Whoever counts commands waits for those that write where sessions were opened: a timer sends them, once a second. */
const allUsesWritten = ({ app }: TestService) =>
  until('no use waits', async () =>
    /^countersign_uses_waiting 0$/m.test((await app.inject({ url: '/metrics', headers })).body),
  )

t.test(
  'a name beyond ASCII comes through the headers, and a name with a slash through the path',
  async (t) => {
    const service = await start(t)
    for (const uid of ['žofie', '字/字', 'https://login.example/u/7?a=b']) {
      const opened = await open(service, uid, { create: { provider: 'oidc' } })
      t.equal(opened.statusCode, 201)
      const { 'access-token': token, client, uid: named } = opened.headers
      const tuple = { 'access-token': String(token), client: String(client), uid: String(named) }
      const answer = await service.app.inject({ url: '/auth/validate_token', headers: tuple })
      t.equal(answer.json().data?.uid, uid)
    }
  },
)

t.test('signing out everywhere costs the same for three sessions and for a hundred', async (t) => {
  const service = await start(t, { COUNTERSIGN_MAX_SESSIONS: '1000' })
  const cost = async (uid: string, sessions: number) => {
    const { statusCode } = await open(service, uid, { create: { provider: 'oidc' } })
    t.equal(statusCode, 201)
    const tokens = []
    for (let i = 1; i < sessions; i++) tokens.push((await open(service, uid, { kind: 'fixed' })).json().token)
    await allUsesWritten(service)
    const commands = await commandsDuring(service.redis.client, async () => {
      const url = `/accounts/${uid}/sessions`
      t.equal((await service.app.inject({ method: 'DELETE', url, headers })).statusCode, 204)
      await service.connection.ping()
    })
    const verify = async (token: string) => {
      const authorization = `Bearer ${token}`
      const url = '/token/verify'
      return (await service.app.inject({ method: 'POST', url, headers: { authorization } })).statusCode
    }
    const verdicts = await Promise.all(tokens.map(verify))
    t.ok(
      verdicts.every((status) => status === 401),
      `none of ${sessions} is left`,
    )
    const { evalsha: _scripts, ...rest } = commands
    return Object.values(rest).reduce((sum, calls) => sum + calls, 0)
  }
  await service.app.inject({ url: '/accounts/callback/sessions', headers })
  const [few, many] = [await cost('few', 3), await cost('many', 100)]
  t.ok(many < few + 30, `${few} commands for few, ${many} for many`)
})
