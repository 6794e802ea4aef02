import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { connectRedis } from '../../src/store/connect.js'
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/store/embedded.js'
import { findRedisBinary } from '../../src/store/redis-binary.js'
import { inCheckout } from '../support/checkout.js'

const binary = await findRedisBinary(inCheckout('.cache/redis'))

function recorder() {
  const lines: string[] = []
  const note = (...args: unknown[]): void => void lines.push(args.map((a) => JSON.stringify(a)).join(' '))
  return { lines, log: { info: note, error: note } }
}

async function start(
  t: Test,
  dataDir: string,
  args: string[] = [],
  log = recorder().log,
): Promise<EmbeddedRedis> {
  const redis = await startEmbeddedRedis({ dataDir, binary, log, args })
  t.teardown(() => redis.stop())
  return redis
}

const socketOf = ({ url }: EmbeddedRedis): string => decodeURIComponent(url.slice('unix://'.length))

function connect(t: Test, redis: EmbeddedRedis): Redis {
  const client = new Redis({
    path: socketOf(redis),
    maxRetriesPerRequest: null,
    retryStrategy: () => 20,
  })
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  return client
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await condition()); waitedMs += 20) {
    if (waitedMs > 8000) throw new Error(`never: ${what}`)
    await delay(20)
  }
}

/** A zombie, ended but not yet collected by its parent, does not run. */
function runs(pid: number): boolean {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

t.test('is private and durable, and keeps its data from one life to the next', async (t) => {
  const dataDir = t.testdir()
  const first = await startEmbeddedRedis({ dataDir, binary, log: recorder().log })
  const client = connect(t, first)
  const config = async (name: string) => ((await client.config('GET', name)) as string[])[1]
  t.equal(await config('port'), '0')
  t.equal(await config('appendonly'), 'yes')
  t.equal(await config('maxmemory-policy'), 'noeviction')
  t.equal(statSync(first.dir).mode & 0o777, 0o700)
  await client.set('k', 'v')
  client.disconnect()
  await first.stop()
  t.notOk(runs(first.pid))

  const second = await start(t, dataDir)
  t.equal(await connect(t, second).get('k'), 'v')
})

t.test('a second service on the same folder is refused, and disturbs nothing', async (t) => {
  const dataDir = t.testdir()
  const redis = await start(t, dataDir)
  await t.rejects(startEmbeddedRedis({ dataDir, binary, log: recorder().log }), {
    message: new RegExp(`redis is in use by another Countersign \\(process ${process.pid}\\)`),
  })
  t.equal(await connect(t, redis).ping(), 'PONG')
})

t.test(
  'of many that start at once on one folder exactly one wins',
  { skip: !existsSync('/usr/bin/flock') },
  async (t) => {
    const dataDir = t.testdir()
    const log = recorder().log
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => startEmbeddedRedis({ dataDir, binary, log })),
    )
    const winners = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
    t.teardown(() => Promise.all(winners.map((winner) => winner.stop())))
    t.equal(winners.length, 1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') t.match(outcome.reason.message, /in use by another Countersign/)
  },
)

t.test('is started again when it is killed', async (t) => {
  const { log, lines } = recorder()
  const redis = await start(t, t.testdir(), [], log)
  const client = connect(t, redis)
  await client.set('k', 'v')
  const { pid } = redis
  process.kill(pid, 'SIGKILL')
  await until('another pid', () => redis.pid !== pid)
  t.equal(await client.get('k'), 'v')
  t.match(lines.join('\n'), /ended by itself/)
})

t.test('stop() also ends a frozen server, and one that is just being started again', async (t) => {
  const frozen = await start(t, t.testdir())
  process.kill(frozen.pid, 'SIGSTOP')
  await frozen.stop()
  t.notOk(runs(frozen.pid))

  const dead = await start(t, t.testdir())
  process.kill(dead.pid, 'SIGKILL')
  await dead.stop()
  t.notOk(runs(dead.pid))
})

t.test('dies with a service that is killed, frozen or not', async (t) => {
  for (const frozen of [false, true]) {
    const { service, redisPid } = await serviceProcess(t, t.testdir({}))
    if (frozen) process.kill(redisPid, 'SIGSTOP')
    service.kill('SIGKILL')
    await until('Redis is gone', () => !runs(redisPid))
    t.notOk(runs(redisPid), frozen ? 'frozen' : 'running')
  }
})

t.test('a server that was left behind is ended at the next start', async (t) => {
  const dataDir = t.testdir()
  const { service, redisPid, watchdogPid } = await serviceProcess(t, dataDir)
  process.kill(watchdogPid, 'SIGKILL')
  service.kill('SIGKILL')
  await once(service, 'exit')
  t.ok(runs(redisPid), 'nobody was there to end it')
  const redis = await start(t, dataDir)
  t.notOk(runs(redisPid))
  t.equal(await connect(t, redis).ping(), 'PONG')
})

t.test('a note about a pid that is somebody else by now harms nobody', async (t) => {
  const dataDir = t.testdir({ redis: {} })
  const stranger = spawn('sleep', ['60']) // a child of ours, like the server that the note means
  t.teardown(() => stranger.kill())
  writeFileSync(join(dataDir, 'redis/owner'), `${stranger.pid} ${process.pid}\n`)
  await start(t, dataDir)
  t.equal(stranger.exitCode, null)
  t.ok(runs(stranger.pid as number))
})

t.test('a folder whose path is no URL as it stands', async (t) => {
  const dataDir = join(t.testdir(), '50 % @ home?')
  mkdirSync(dataDir)
  const redis = await start(t, dataDir)
  const connection = await connectRedis(redis.url, { log: { info: () => {}, warn: () => {} } })
  t.equal(await connection.client.ping(), 'PONG')
  await connection.close()
})

t.test(
  'a folder whose path is too long for a socket gets a private one elsewhere, removed at the end',
  async (t) => {
    const dataDir = join(t.testdir(), 'long-'.repeat(30))
    mkdirSync(dataDir)
    const redis = await startEmbeddedRedis({ dataDir, binary, log: recorder().log })
    const socket = socketOf(redis)
    t.ok(socket.startsWith(tmpdir()) && socket.length < 100, socket)
    t.equal(await connect(t, redis).ping(), 'PONG')
    await redis.stop()
    t.notOk(existsSync(join(socket, '..')))
  },
)

t.test('a long load is reported', async (t) => {
  const dataDir = t.testdir()
  const first = await startEmbeddedRedis({ dataDir, binary, log: recorder().log })
  const client = connect(t, first)
  await client.eval("for i = 1, 3000 do redis.call('SET', i, string.rep('x', 100)) end", 0)
  client.disconnect()
  await first.stop()

  const { log, lines } = recorder()
  const slowly = ['--key-load-delay', '400', '--loading-process-events-interval-bytes', '1024']
  await start(t, dataDir, slowly, log)
  t.match(lines.join('\n'), /Redis is loading its file: [\d.]+ %/)
})

t.test('a server that cannot start says why', async (t) => {
  const dataDir = t.testdir()
  await t.rejects(
    startEmbeddedRedis({ dataDir, binary, log: recorder().log, args: ['--maxmemory-policy', 'nonsense'] }),
    {
      message: /maxmemory-policy/,
    },
  )
})

/** The embedded Redis of another process, to be killed. */
async function serviceProcess(t: Test, dataDir: string) {
  const script = `
    import { startEmbeddedRedis } from ${JSON.stringify(import.meta.resolve('../../src/store/embedded.js'))}
    const redis = await startEmbeddedRedis(${JSON.stringify({ dataDir, binary })})
    process.stdout.write(redis.pid + '\\n')`
  const service = spawn(process.execPath, [...process.execArgv, '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => service.kill('SIGKILL'))
  const [line] = await Promise.race([once(service.stdout, 'data'), once(service, 'exit')])
  const redisPid = Number(String(line))
  t.teardown(() => runs(redisPid) && process.kill(redisPid, 'SIGKILL'))
  const watchdog = readdirSync('/proc').find((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return command.includes('read -r') && command.split('\0').includes(String(redisPid))
    } catch {
      return false
    }
  })
  return { service, redisPid, watchdogPid: Number(watchdog) }
}
