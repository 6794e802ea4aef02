/** A frozen Redis under a flood, and a service that is told to leave while Redis is away. */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { type Instance, startInstance } from '../support/instance.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/redis-groups.js'
import { ada, operator } from '../support/service.js'
import { timed } from '../support/timed.js'

const CALLERS = 300
/** Until nobody waits for Redis any more; a few a second keep asking. */
const GIVEN_UP_AFTER_MS = 1_400
const ASKING_EVERY_MS = 100

const redis = await startRedis(t)
const env = { REDIS_URL: redis.url, COUNTERSIGN_KEYS: generateMasterKeys() }

interface Subject extends Instance {
  headers: Record<string, string>
}

async function start(t: Test): Promise<Subject> {
  const instance = await startInstance(t, env)
  await instance.accounts.create(ada, operator)
  const answer = await signIn(instance)
  const names = ['access-token', 'client', 'uid']
  const headers = Object.fromEntries(names.map((name) => [name, String(answer.headers[name])]))
  return { ...instance, headers }
}

const signIn = ({ app }: Instance) =>
  app.inject({
    method: 'POST',
    url: '/auth/sign_in',
    payload: { email: ada.email, password: ada.password },
  })

/** Replies that ioredis waits for; a private list of its own, and the only place where they could pile up. */
function queued({ connection }: Instance): number {
  const queue = Reflect.get(connection, 'commandQueue') as { length: number }
  const offline = Reflect.get(connection, 'offlineQueue') as { length: number }
  return queue.length + offline.length
}

t.test('frozen under a flood: all are answered in time, and soon at once', async (t) => {
  const service = await start(t)
  const { app, headers } = service
  const ask = (nth: number) =>
    timed(async () => {
      const answer = await (nth % 2 === 0 ? signIn(service) : app.inject({ url: '/token', headers }))
      return answer.statusCode
    })
  const slowest = (answers: { tookMs: number }[]) => Math.max(...answers.map(({ tookMs }) => tookMs))
  redis.freeze()
  const since = performance.now()
  const flood = await Promise.all(Array.from({ length: CALLERS }, (_, nth) => ask(nth)))
  const waiting = queued(service)
  for (let nth = 0; performance.now() - since < GIVEN_UP_AFTER_MS; nth++) {
    flood.push(await ask(nth))
    await delay(ASKING_EVERY_MS)
  }
  const late = await Promise.all(Array.from({ length: CALLERS }, (_, nth) => ask(nth)))
  const waitingThen = queued(service)

  t.ok([...flood, ...late].every(({ result }) => result === 503))
  t.ok(slowest(flood) < 500, `answered in ${slowest(flood)} ms`)
  t.ok(slowest(late) < 100, `when Redis is given up, in ${slowest(late)} ms`)
  t.ok(waiting <= CALLERS + 10, `${waiting} commands waited, not more than there were requests`)
  t.ok(waitingThen < 10, `then ${waitingThen}`)

  redis.thaw()
  const thawed = performance.now()
  await until(
    'answers',
    async () => (await app.inject({ url: '/auth/validate_token', headers })).statusCode === 200,
  )
  t.ok(performance.now() - thawed < 2_000, 'back within two seconds')
})

const absences: readonly {
  name: string
  leave(redis: TestRedis): unknown
  comeBack(redis: TestRedis): unknown
}[] = [
  { name: 'killed', leave: ({ kill }) => kill(), comeBack: ({ restart }) => restart() },
  { name: 'frozen', leave: ({ freeze }) => freeze(), comeBack: ({ thaw }) => thaw() },
]

for (const { name, leave, comeBack } of absences)
  t.test(`${name}: the service leaves quickly, and answers those who are waiting`, async (t) => {
    const { url, headers, stop } = await start(t)
    await leave(redis)
    const waiting = get(`${url}/auth/validate_token`, { headers })
    const answered = once(waiting, 'response') as Promise<[IncomingMessage]>
    await fetch(`${url}/healthz`)
    const { tookMs } = await timed(stop)
    t.ok(tookMs < 1_000, `gone in ${tookMs} ms`)
    t.equal((await answered)[0].statusCode, 503)
    await comeBack(redis)
  })
