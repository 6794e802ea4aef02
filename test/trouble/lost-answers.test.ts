/** Redis has rotated a token, and nobody was told: the client says the same again, and goes on. */
import t, { type Test } from 'tap'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/redis-groups.js'
import { type RedisProxy, startRedisProxy } from '../support/redis-proxy.js'
import { ada, type SignedIn, startService, type TestService } from '../support/service.js'
import { validate } from './requests.js'

const REISSUE_AFTER_MS = 300

interface Line {
  redis: TestRedis
  proxy: RedisProxy
}

async function start(t: Test): Promise<TestService & Line> {
  const redis = await startRedis(t)
  const proxy = await startRedisProxy(t, redis)
  const service = await startService(t, {
    redis: { ...redis, url: proxy.url },
    env: { COUNTERSIGN_REISSUE_AFTER: `${REISSUE_AFTER_MS} ms` },
  })
  await service.addAccount()
  return { ...service, redis, proxy }
}

const losses: readonly {
  name: string
  lose(line: Line, session: SignedIn): void
  recover(line: Line): void
}[] = [
  {
    name: 'Redis freezes before it reads the request, and serves it when it goes on',
    lose: ({ redis }) => redis.freeze(),
    recover: ({ redis }) => redis.thaw(),
  },
  {
    name: 'the connection breaks under the reply',
    lose: ({ proxy }, { handle }) => proxy.cutReplyTo(handle),
    recover: () => {},
  },
]

for (const { name, lose, recover } of losses)
  t.test(name, async (t) => {
    const service = await start(t)
    const session = await service.signIn()
    await service.connection.ping() // so that nothing else is under way
    lose(service, session)
    t.equal((await validate(service, session)).status, 503)
    recover(service)

    let again = await validate(service, session)
    await until('answered', async () => {
      if (again.status === 503) again = await validate(service, session)
      return again.status !== 503
    })
    t.equal(again.status, 200, 'the same token is good')
    t.notOk(again.headers.has('access-token'), 'though another was handed out, which is not repeated')

    await until('the next token', async () => {
      const answer = await validate(service, session)
      t.equal(answer.status, 200)
      const next = answer.headers.get('access-token')
      if (next !== null) session.headers['access-token'] = next
      return next !== null
    })
    t.not(session.headers['access-token'], session.token)
    t.equal((await validate(service, session)).status, 200, 'and it goes on with that')
  })

t.test('SCRIPT FLUSH all the time: nobody notices', async (t) => {
  const redis = await startRedis(t)
  const service = await startService(t, { redis, env: { COUNTERSIGN_MAX_SESSIONS: '1000' } })
  await service.addAccount()
  const session = await service.signIn()
  session.headers['access-token'] = (await validate(service, session)).headers.get('access-token') ?? ''
  let flushes = 0
  const flushing = setInterval(() => redis.client.script('FLUSH').then(() => flushes++), 50)
  t.teardown(() => clearInterval(flushing))

  const statuses = new Map<number, number>()
  const until = performance.now() + 1_500
  await Promise.all(
    Array.from({ length: 20 }, async (_, caller) => {
      while (performance.now() < until) {
        const { status } = caller === 0 ? await signIn(service) : await validate(service, session)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }),
  )
  clearInterval(flushing)
  t.comment(`${flushes} flushes, ${statuses.get(200)} answers`)
  t.ok(flushes > 5)
  t.same([...statuses.keys()], [200])
})

const signIn = ({ url }: TestService): Promise<Response> =>
  fetch(`${url}/auth/sign_in`, {
    method: 'POST',
    body: new URLSearchParams({ email: ada.email, password: ada.password }),
  })
