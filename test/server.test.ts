import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { generateMasterKeys } from '../src/token/master-keys.js'
import { startRedis } from './support/redis.js'
import { until } from './support/redis-groups.js'
import {
  credentialsOf,
  entry,
  launch,
  passwordOf,
  redisOf,
  runs,
  signIn,
  start,
  surroundings,
} from './support/server-process.js'

const commandsOf = (output: string): string[] =>
  output.split('\n').filter((line) => /^(curl|grep) /.test(line))

t.test(
  'the terminal is closed: all ends',
  { skip: !existsSync('/usr/bin/script') && 'no script(1) here, which makes a terminal' },
  async (t) => {
    const dataDir = join(t.testdir(), 'data')
    const env = { ...surroundings, PORT: '0', COUNTERSIGN_GEO_DB: join(tmpdir(), 'no-geo') }
    const command = `echo pid $$; exec '${process.execPath}' '${entry}'`
    const terminal = spawn('script', ['-qfec', command, '/dev/null'], {
      env: { ...env, COUNTERSIGN_DATA_DIR: dataDir, SHELL: '/bin/sh' },
    })
    let output = ''
    terminal.stdout.on('data', (chunk) => {
      output += chunk
    })
    const pid = () => Number(/pid (\d+)/.exec(output)?.[1])
    t.teardown(() => runs(pid()) && process.kill(pid(), 'SIGKILL'))
    await until('it has started', () => output.includes('/auth/sign_out'), 45_000)
    const redis = redisOf(dataDir)
    t.ok(runs(pid()) && runs(redis))
    terminal.kill('SIGKILL')
    await until('nothing runs', () => !runs(pid()) && !runs(redis))
  },
)

t.test('the first minute: start, the three commands, Ctrl-C, and again', async (t) => {
  const cwd = t.testdir()
  const dataDir = join(cwd, 'data')
  const env = { COUNTERSIGN_DATA_DIR: dataDir }
  const first = await start(t, env)
  const password = passwordOf(first.output())
  t.match(password, /^\w{20,}$/)
  t.match(first.output(), /Redis \d+\.\d+\.\d+, private: \/.*, data in \/.*\/data\/redis/)
  t.equal(statSync(join(dataDir, 'keys')).mode & 0o777, 0o600)
  t.equal(statSync(dataDir).mode & 0o777, 0o700)

  const commands = commandsOf(first.output())
  t.equal(commands.length, 3)
  await t.test(
    'work verbatim, in order',
    { skip: !existsSync('/usr/bin/curl') && 'no curl here' },
    async (t) => {
      const [signedIn = '', validated = '', signedOut = ''] = commands.map((command) =>
        execFileSync('/bin/sh', ['-c', command], { cwd, encoding: 'utf8' }),
      )
      const token = /^access-token: (cst_\S+)/m
      t.match(signedIn, /"uid":"admin"/)
      t.match(validated, /"success":true/)
      t.not(token.exec(signedIn)?.[1], token.exec(validated)?.[1], 'the token has rotated')
      t.match(signedOut, /^\{"success":true\}/)
    },
  )

  await t.test('a second service on the same data is refused in one line', async (t) => {
    const rival = launch(t, env)
    t.equal(await rival.exited, 1)
    t.match(rival.output(), /^\S*\/data\/redis is in use by another Countersign \(process \d+\)[^\n]*\n$/)
  })

  const kept = await signIn(first.base, password)
  const redis = redisOf(dataDir)
  first.child.kill('SIGINT')
  first.child.kill('SIGINT') // as npm repeats it
  t.equal(await first.exited, 0)
  t.notOk(runs(redis), 'Redis has ended, too')

  const second = await start(t, env)
  t.notMatch(second.output(), 'shown this once')
  const headers = credentialsOf(kept)
  t.equal(
    (await fetch(`${second.base}/auth/validate_token`, { headers })).status,
    200,
    'the session is still there',
  )
  const secondRedis = redisOf(dataDir)
  second.child.kill('SIGKILL')
  await until('Redis has ended with a killed service, too', () => !runs(secondRedis))
})

t.test('SIGTERM: not ready, requests in flight are finished, exit 0', async (t) => {
  const redis = await startRedis(t)
  const server = await start(t, { REDIS_URL: redis.url, COUNTERSIGN_KEYS: generateMasterKeys() })
  t.match(
    server.output(),
    `Redis ${String(await redis.client.info('server')).match(/redis_version:(\S+)/)?.[1]} at ${redis.url}`,
  )
  t.equal((await fetch(`${server.base}/readyz`)).status, 200)

  const body = JSON.stringify({ uid: 'admin', password: passwordOf(server.output()) })
  const headers = { 'content-type': 'application/json', 'content-length': body.length }
  const inFlight = request(`${server.base}/auth/sign_in`, { method: 'POST', headers })
  inFlight.write(body.slice(0, 5))
  const silent = connect(Number(new URL(server.base).port), '127.0.0.1') // as clients open them for later use
  t.teardown(() => silent.destroy())
  await once(silent, 'connect')
  server.child.kill('SIGTERM')
  await until('it is not ready any more', async () => (await fetch(`${server.base}/readyz`)).status === 503)
  t.equal((await fetch(`${server.base}/healthz`)).status, 200)
  await until('the port is closed', () =>
    fetch(`${server.base}/healthz`).then(
      () => false,
      () => true,
    ),
  )
  inFlight.end(body.slice(5))
  const [answer] = await once(inFlight, 'response')
  t.equal(answer.statusCode, 200)
  answer.resume()
  t.equal(await server.exited, 0)
  t.equal(await redis.client.ping(), 'PONG', 'a Redis that is not ours is left alone')
})

t.test('a second Ctrl-C does not wait for what hangs', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  const server = await start(t, { COUNTERSIGN_DATA_DIR: dataDir })
  const redis = redisOf(dataDir)
  const hanging = connect(Number(new URL(server.base).port), '127.0.0.1')
  t.teardown(() => hanging.destroy())
  hanging.on('error', () => {})
  hanging.write(
    'POST /auth/sign_in HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
  )
  await fetch(`${server.base}/healthz`)
  server.child.kill('SIGINT')
  await until('the port is closed', () =>
    fetch(`${server.base}/healthz`).then(
      () => false,
      () => true,
    ),
  )
  t.equal(server.child.exitCode, null)
  const insist = setInterval(() => server.child.kill('SIGINT'), 100)
  t.teardown(() => clearInterval(insist))
  t.equal(await server.exited, 1)
  await until('Redis has ended, too', () => !runs(redis))
})

t.test('an unexpected error is logged, and ends the process with 1', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  const mine = 'data:text/javascript,process.once("SIGWINCH",()=>{throw new Error("a bug")})'
  const server = await start(t, { COUNTERSIGN_DATA_DIR: dataDir }, ['--import', mine])
  const redis = redisOf(dataDir)
  server.child.kill('SIGWINCH')
  t.equal(await server.exited, 1)
  t.match(server.output(), /"level":60.*"a bug"/)
  t.notOk(runs(redis))
})

t.test(
  'what is wrong with the start is said in a line, without a stack, and nothing is left running',
  async (t) => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    t.teardown(() => squatter.close())
    const port = String((squatter.address() as AddressInfo).port)
    const dataDir = join(t.testdir(), 'data')
    const busy = launch(t, { PORT: port, COUNTERSIGN_DATA_DIR: dataDir })
    t.equal(await busy.exited, 1)
    t.match(busy.output().trim().split('\n').at(-1), `PORT ${port} on HOST 127.0.0.1 is in use.`)
    t.notOk(runs(redisOf(dataDir)))
    const next = await start(t, { COUNTERSIGN_DATA_DIR: dataDir })
    t.not(passwordOf(next.output()), '', 'the password was not generated where nobody saw it')

    const mistaken = launch(t, { PORT: 'http', COUNTERSIGN_SIGNUP: 'open' })
    t.equal(await mistaken.exited, 1)
    t.match(mistaken.output(), /cannot start[\s\S]*COUNTERSIGN_SIGNUP is unknown[\s\S]*PORT must be/)
    t.notMatch(mistaken.output(), '    at ')
  },
)

t.test('a unix socket, which a killed service left behind; no configured secret is printed', async (t) => {
  const redis = await startRedis(t)
  const socket = join(redis.dir, 'http.sock')
  const secrets = {
    COUNTERSIGN_KEYS: generateMasterKeys(),
    COUNTERSIGN_ADMIN_PASSWORD: 'correct-horse-battery',
  }
  const env = { ...secrets, REDIS_URL: redis.url, COUNTERSIGN_SOCKET: socket, LOG_LEVEL: 'trace' }
  const killed = await start(t, env)
  killed.child.kill('SIGKILL')
  await killed.exited
  t.ok(existsSync(socket))

  const server = await start(t, env)
  t.match(server.output(), `Countersign listens on ${socket}`)
  const answer = request({ socketPath: socket, path: '/healthz' }).end()
  const [{ statusCode }] = await once(answer, 'response')
  t.equal(statusCode, 200)
  const rival = launch(t, env)
  t.equal(await rival.exited, 1)
  t.match(rival.output(), `COUNTERSIGN_SOCKET ${socket} is in use`)
  server.child.kill('SIGINT')
  t.equal(await server.exited, 0)
  t.notOk(existsSync(socket))
  for (const secret of Object.values(secrets)) t.notMatch(killed.output() + server.output(), secret)
})
