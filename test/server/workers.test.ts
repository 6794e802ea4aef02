/** Several processes behind one port: they share it, come and go one by one, and are one service to whoever looks. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/redis-groups.js'
import { launch, passwordOf, redisOf, runs, type Server, start } from '../support/server-process.js'

const workersOf = ({ child }: Pick<Server, 'child'>): number[] => {
  try {
    const found = execFileSync('pgrep', ['-P', String(child.pid), '-f', 'worker.js'], { encoding: 'utf8' })
    return found.trim().split('\n').map(Number)
  } catch {
    return [] // none
  }
}

type Headers = Record<string, string>

interface Answer {
  status: number | undefined
  headers: IncomingMessage['headers']
  body: string
}

/** One client with one connection, which it keeps: all that it asks is answered by one worker. */
function openClient(t: Test, base: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  async function ask(path: string, headers: Headers = {}, method = 'GET', sent = ''): Promise<Answer> {
    const asked = request(base + path, { agent, headers, method }).end(sent)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    let body = ''
    for await (const chunk of answer) body += chunk
    return { status: answer.statusCode, headers: answer.headers, body }
  }
  return Object.assign(ask, { close: () => agent.destroy() })
}

type Client = ReturnType<typeof openClient>

/** Each process has its own prefix for the ids that it gives to requests. */
const processOf = ({ headers }: Answer): string => String(headers['x-request-id']).replace(/-[^-]*$/, '')

const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`,
})

/** How many credentials were found good, as `/metrics` has it. */
async function countOf(client: Client, password: string): Promise<number> {
  const { status, body } = await client('/metrics', basic(password))
  if (status !== 200) throw new Error(`${status} ${body}`)
  const counts = body.matchAll(
    /^countersign_authentications_total\{outcome="(?:accepted|rotated)"\} (\d+)$/gm,
  )
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** With a token that does not rotate. */
async function openSession(client: Client, password: string): Promise<{ authorization: string }> {
  const { body } = await client('/token', basic(password), 'POST')
  return { authorization: `Bearer ${JSON.parse(body).id}` }
}

t.test('two workers are one service, whoever of them is asked, dies or is replaced', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  const server = await start(t, {
    COUNTERSIGN_DATA_DIR: dataDir,
    COUNTERSIGN_WORKERS: '2',
    COUNTERSIGN_ROTATE_AFTER: '0',
    COUNTERSIGN_LEEWAY: '0',
  })
  const { base } = server
  const password = passwordOf(server.output())
  t.equal(server.output().split('Countersign listens on').length, 2, 'it says so once')
  t.equal(workersOf(server).length, 2)
  const one = openClient(t, base)
  const other = openClient(t, base)

  await t.test('what one opens, the other accepts; what the other ends, the first refuses', async (t) => {
    const processes = [await one('/healthz'), await other('/healthz'), await one('/healthz')].map(processOf)
    t.equal(processes[0], processes[2])
    t.not(processes[0], processes[1])
    const bearer = await openSession(one, password)
    t.equal((await other('/gateway/nginx', bearer)).status, 200)
    t.equal((await one('/gateway/nginx', bearer)).status, 200)
    const id = bearer.authorization.replace('Bearer ', '')
    t.equal((await other(`/token?id=${id}`, bearer, 'DELETE')).status, 204)
    await until('it is refused', async () => (await one('/gateway/nginx', bearer)).status === 401)
  })

  await t.test('/metrics has the figures of all, and they never go back', async (t) => {
    const bearer = await openSession(one, password)
    const before = await countOf(one, password)
    for (const client of [one, other]) for (let i = 0; i < 10; i++) await client('/gateway/nginx', bearer)
    t.equal((await countOf(one, password)) - before, 21)
    t.equal((await countOf(other, password)) - before, 22)
    const lines = (await one('/metrics', basic(password))).body.split('\n')
    t.ok(lines.includes('countersign_near_cache_leased 1'), 'all of them hear revocations')
  })

  await t.test('a worker that dies is replaced, and nobody but its clients notices', async (t) => {
    const known = await countOf(one, password)
    const before = workersOf(server)
    process.kill(before[0] ?? 0, 'SIGKILL')
    await until('it has ended', () => !runs(before[0] ?? 0))
    const survivor = await Promise.any([one, other].map((client) => client('/healthz').then(() => client)))
    await until('it is missed', () => server.output().includes('a worker ended by itself; starting another'))
    await until('there are two again', () => workersOf(server).length === 2)
    await until('it listens', async () => {
      const clients = [openClient(t, base), openClient(t, base)]
      const answers = await Promise.all(clients.map((client) => client('/healthz')))
      for (const client of clients) client.close()
      return new Set(answers.map(processOf)).size === 2
    })
    t.ok((await countOf(survivor, password)) > known)
    one.close()
    other.close()
  })

  await t.test('SIGUSR2 replaces all, one by one, and no request fails', async (t) => {
    const before = workersOf(server)
    t.equal((await openClient(t, base)('/healthz')).status, 200, 'a connection that nobody will use')
    const observer = openClient(t, base)
    const known = await countOf(observer, password)
    observer.close()
    const failures: string[] = []
    let answered = 0
    let stopped = false
    async function come(pauseMs: number): Promise<void> {
      const client = openClient(t, base)
      const json = { 'content-type': 'application/json' }
      const { headers } = await client(
        '/auth/sign_in',
        json,
        'POST',
        JSON.stringify({ uid: 'admin', password }),
      )
      const { 'access-token': token, client: handle, uid } = headers
      let credentials = { 'access-token': String(token), client: String(handle), uid: String(uid) }
      while (!stopped) {
        const answer = await client('/auth/validate_token', credentials).catch((error: Error) => error)
        if (answer instanceof Error) failures.push(String(answer))
        else if (answer.status === 200) {
          answered += 1
          const next = String(answer.headers['access-token'])
          // One whose successor got lost with a 503 comes again without another.
          if (next.startsWith('cst_')) credentials = { ...credentials, 'access-token': next }
        } else if (answer.status !== 503 || answer.headers['retry-after'] === undefined)
          failures.push(`${answer.status} ${answer.body}`) // others: this machine is too busy for Redis
        await delay(pauseMs)
      }
    }
    const clients = [5, 10, 10, 20, 20, 50].map(come)
    await until('they are at work', () => answered > 100)
    server.child.kill('SIGUSR2')
    await until('it is over', () => server.output().includes('all workers have been restarted'), 60_000)
    const then = answered
    await until('they go on', () => answered > then + 100 || failures.length > 0)
    stopped = true
    await Promise.all(clients)
    t.strictSame(failures, [])
    t.comment(`${answered} requests`)
    const after = workersOf(server)
    t.equal(after.length, 2)
    t.notOk(after.some((pid) => before.includes(pid)))
    t.ok((await countOf(observer, password)) >= known + answered, 'nothing counted is forgotten')
  })

  const redis = redisOf(dataDir)
  const workers = workersOf(server)
  for (const pid of workers) process.kill(pid, 'SIGTERM') // as a supervisor may
  server.child.kill('SIGTERM')
  await until('it is not ready any more', async () => (await fetch(`${base}/readyz`)).status === 503)
  t.equal(await server.exited, 0)
  t.strictSame([...workers, redis].filter(runs), [])
})

t.test('a new worker reads the files of secrets; when it cannot start, the old ones stay', async (t) => {
  const redis = await startRedis(t)
  const ring = generateMasterKeys()
  const keys = join(t.testdir({ keys: ring }), 'keys')
  const server = await start(t, {
    REDIS_URL: redis.url,
    COUNTERSIGN_KEYS_FILE: keys,
    COUNTERSIGN_WORKERS: '2',
    COUNTERSIGN_SOCKET: join(redis.dir, 'http.sock'),
  })
  const before = workersOf(server)
  writeFileSync(keys, 'nonsense')
  server.child.kill('SIGUSR2')
  await until('it has tried', () => server.output().includes('a new worker could not start'))
  t.match(server.output(), 'COUNTERSIGN_KEYS must be')
  await until('it has ended', () => workersOf(server).length === 2)
  t.strictSame(workersOf(server), before)
  writeFileSync(keys, ring)
  const rival = launch(t, {
    REDIS_URL: redis.url,
    COUNTERSIGN_KEYS_FILE: keys,
    COUNTERSIGN_WORKERS: '2',
    COUNTERSIGN_SOCKET: join(redis.dir, 'http.sock'),
  })
  t.equal(await rival.exited, 1)
  t.match(
    rival.output(),
    /^COUNTERSIGN_SOCKET \S+ is in use\. Stop what listens there, or choose another\.$/m,
  )

  const workers = workersOf(server)
  server.child.kill('SIGKILL')
  await until('they do not outlive the primary', () => !workers.some(runs))
})

t.test('what is wrong with the start is said once, and nothing is left running', async (t) => {
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  t.teardown(() => squatter.close())
  const { port } = squatter.address() as AddressInfo
  const dataDir = join(t.testdir(), 'data')
  const busy = launch(t, {
    PORT: String(port),
    COUNTERSIGN_DATA_DIR: dataDir,
    COUNTERSIGN_WORKERS: '3',
    LOG_LEVEL: 'warn',
  })
  t.equal(await busy.exited, 1)
  t.equal(
    busy.output(),
    `PORT ${port} on HOST 127.0.0.1 is in use. Stop what listens there, or choose another.\n`,
  )
  t.notOk(runs(redisOf(dataDir)))

  const managed = launch(t, {
    COUNTERSIGN_DATA_DIR: dataDir,
    COUNTERSIGN_WORKERS: '2',
    NODE_UNIQUE_ID: '1', // as a process manager that is a primary itself, such as PM2, starts it
  })
  t.equal(await managed.exited, 1)
  t.match(managed.output(), 'COUNTERSIGN_WORKERS must be 1 where')
})

t.test('the primary is killed, or a worker hangs while it is to end: nothing is left running', async (t) => {
  const env = { COUNTERSIGN_DATA_DIR: join(t.testdir(), 'data'), COUNTERSIGN_WORKERS: '2' }
  const killed = await start(t, env)
  const left = [...workersOf(killed), redisOf(env.COUNTERSIGN_DATA_DIR)]
  killed.child.kill('SIGKILL')
  await until('nothing runs', () => !left.some(runs))

  const server = await start(t, env)
  const all = [...workersOf(server), redisOf(env.COUNTERSIGN_DATA_DIR)]
  process.kill(all[0] ?? 0, 'SIGSTOP')
  server.child.kill('SIGINT')
  server.child.kill('SIGINT') // as npm repeats it
  await until('the other has ended', () => !runs(all[1] ?? 0))
  t.equal(server.child.exitCode, null)
  const insist = setInterval(() => server.child.kill('SIGINT'), 100)
  t.teardown(() => clearInterval(insist))
  t.equal(await server.exited, 1)
  await until('nothing runs', () => !all.some(runs))
})
