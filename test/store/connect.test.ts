import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Cluster } from 'ioredis'
import t, { type Test } from 'tap'
import { connectRedis, type RedisConnection } from '../../src/store/connect.js'
import { orUnavailable } from '../../src/store/faults.js'
import { startRedis } from '../support/redis.js'
import { freePorts, startCluster, startSentinels, until } from '../support/redis-groups.js'

function recorder() {
  const lines: string[] = []
  const note = (...args: unknown[]): void => void lines.push(args.map((arg) => JSON.stringify(arg)).join(' '))
  return { lines, log: { info: note, warn: note } }
}

async function connect(t: Test, url: string, log = recorder().log): Promise<RedisConnection> {
  const connection = await connectRedis(url, { log })
  t.teardown(() => connection.close())
  return connection
}

const onPort = (port: number | undefined): string[] => ['--bind', '127.0.0.1', '--port', String(port)]

t.test('unix socket: named, with a database of its own', async (t) => {
  const redis = await startRedis(t)
  const { client, shown, version } = await connect(t, `${redis.url}?db=3`)
  await client.set('k', 'v')
  await redis.client.select(3)
  t.equal(await redis.client.get('k'), 'v')
  t.match(await redis.client.client('LIST'), 'name=countersign')
  t.equal(shown, redis.url)
  t.match(version, /^\d+\.\d+/)
})

t.test('standalone, with user, password and database', async (t) => {
  const [port] = await freePorts(1)
  const redis = await startRedis(t, { args: onPort(port) })
  await redis.client.call('ACL', 'SETUSER', 'cs', 'on', '>p@ss/word', '~*', '+@all')
  const { client, shown } = await connect(t, `redis://cs:p%40ss%2Fword@127.0.0.1:${port}/2`)
  t.equal(await client.call('ACL', 'WHOAMI'), 'cs')
  t.match(await client.call('CLIENT', 'INFO'), 'db=2')
  t.equal(shown, `redis://***@127.0.0.1:${port}/2`)
})

t.test(
  'TLS, with an authority of its own',
  { skip: !existsSync('/usr/bin/openssl') && 'no openssl here' },
  async (t) => {
    const dir = t.testdir()
    const pem = (name: string): string => join(dir, name)
    const request = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
    ]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    execFileSync('openssl', [...request, ...subject, '-keyout', pem('key'), '-out', pem('cert')], {
      stdio: 'ignore',
    })
    const [port] = await freePorts(1)
    const files = [
      '--tls-cert-file',
      pem('cert'),
      '--tls-key-file',
      pem('key'),
      '--tls-ca-cert-file',
      pem('cert'),
    ]
    await startRedis(t, {
      args: ['--bind', '127.0.0.1', '--tls-port', String(port), ...files, '--tls-auth-clients', 'no'],
    })
    const url = `rediss://127.0.0.1:${port}`
    const { client } = await connect(t, `${url}?ca=${pem('cert')}`)
    t.equal(await client.ping(), 'PONG')
    await t.rejects(connectRedis(url, { log: recorder().log, withinMs: 300 }), {
      message: /self-signed certificate/,
    })
    // Given up in the middle of the handshake, at whatever moment, it fails, and takes nothing else with it.
    for (let i = 0; i < 40; i++)
      await t.rejects(connectRedis(url, { log: recorder().log, withinMs: 1 + (i % 4) }), {
        message: /not ready/,
      })
  },
)

t.test('Sentinel: finds the master, and the next one after a failover', async (t) => {
  const { url, sentinel, replica } = await startSentinels(t)
  const { client } = await connect(t, url)
  await client.set('k', 'v')
  await until('the replica has it', async () => (await replica.client.get('k')) === 'v')
  await sentinel.call('SENTINEL', 'FAILOVER', 'main')
  await until('the replica is master', async () => (await replica.client.role())[0] === 'master')
  const since = performance.now()
  await until('writes arrive there', async () => {
    await client.set('k2', 'v').catch(() => {})
    return (await replica.client.get('k2')) === 'v'
  })
  t.ok(performance.now() - since < 2000, 'within two seconds')
})

t.test('Cluster: every slot at once, and a dead master harms only its own', async (t) => {
  const { url, masters } = await startCluster(t)
  const { client } = await connect(t, url)
  t.ok(client instanceof Cluster)
  const keys = Array.from({ length: 60 }, (_, index) => `k${index}`)
  await Promise.all(keys.map((key) => client.set(key, 'v')))
  const homes = await Promise.all(masters.map((master) => master.client.keys('*')))
  t.ok(homes.every((home) => home.length > 5))

  await masters[0]?.kill()
  const since = performance.now()
  const answers = await Promise.allSettled(keys.map((key) => client.get(key)))
  t.ok(performance.now() - since < 500, 'answered or refused in time')
  for (const [index, key] of keys.entries())
    if (!homes[0]?.includes(key)) t.equal(answers[index]?.status, 'fulfilled', key)

  await masters[0]?.restart()
  const seesItself = async (): Promise<boolean> =>
    String(await masters[0]?.client.call('CLUSTER', 'INFO')).includes('cluster_state:ok')
  await until('the master takes part again, which Redis delays by two seconds', seesItself)
  const restarted = performance.now()
  await until('all slots are back', async () => {
    const again = await Promise.allSettled(keys.map((key) => client.get(key)))
    return again.every((answer) => answer.status === 'fulfilled')
  })
  t.ok(performance.now() - restarted < 2000, 'within two seconds')
})

t.test('killed and back: refused at once, one line each way, in service within two seconds', async (t) => {
  const redis = await startRedis(t)
  const { log, lines } = recorder()
  const { client } = await connect(t, redis.url, log)
  await redis.kill()
  await until('the connection is seen to be closed', () => client.status !== 'ready')
  const since = performance.now()
  await t.rejects(client.get('k'))
  t.ok(performance.now() - since < 50, 'nothing is queued')
  await until('several attempts', () => performance.now() - since > 600)
  await redis.restart()
  const restarted = performance.now()
  await until('it answers', () => client.ping().then(Boolean, () => false))
  t.ok(performance.now() - restarted < 2000, 'within two seconds')
  t.equal(lines.length, 2)
  t.match(lines[0], /Redis is not available/)
  t.match(lines[1], /Redis is available again/)
})

t.test('frozen: refused in a quarter of a second; closing does not hang', async (t) => {
  const redis = await startRedis(t)
  const { client, close } = await connect(t, redis.url)
  redis.freeze()
  const since = performance.now()
  await t.rejects(orUnavailable(client.get('k')), {
    cause: { message: 'no answer from Redis within 250 ms' },
  })
  t.ok(performance.now() - since < 450)
  redis.thaw()
  await until('it answers', () => client.ping().then(Boolean, () => false))
  redis.freeze()
  const closing = performance.now()
  await close()
  t.ok(performance.now() - closing < 600)
})

t.test('a server that became a replica is left for a new connection, once a second', async (t) => {
  const redis = await startRedis(t)
  const { client } = await connect(t, redis.url)
  const idOf = async (): Promise<number> => client.client('ID')
  const first = await idOf()
  await redis.client.replicaof('127.0.0.1', 1)
  await t.rejects(client.set('k', 'v'), { message: /^READONLY/ })
  await until('a new connection', async () => (await idOf().catch(() => first)) !== first)
  const second = await idOf()
  await t.rejects(client.set('k', 'v'), { message: /^READONLY/ })
  t.equal(await idOf(), second)
})

t.test(
  'an evicting Redis is refused, even where CONFIG is forbidden; one without a log is warned about',
  async (t) => {
    const redis = await startRedis(t, { args: ['--maxmemory-policy', 'allkeys-lru'] })
    await redis.client.call('ACL', 'SETUSER', 'default', '-config')
    await t.rejects(connectRedis(redis.url, { log: recorder().log }), {
      message: /^REDIS_URL \(unix:.*maxmemory-policy allkeys-lru.*CONFIG SET maxmemory-policy noeviction/,
    })
    const forgetful = await startRedis(t, { args: ['--appendonly', 'no'] })
    const { log, lines } = recorder()
    await connect(t, forgetful.url, log)
    t.match(lines, [/keeps no append-only file/])
  },
)

t.test('who does not answer or lets nobody in is named, without the password', async (t) => {
  const redis = await startRedis(t)
  await redis.client.config('SET', 'requirepass', 'right-password')
  const url = redis.url.replace('unix://', 'unix://:wrong-password@')
  const { log, lines } = recorder()
  await t.rejects(connectRedis(url, { log, withinMs: 300 }), {
    message: /^REDIS_URL \(unix:\/\/\*\*\*@\/.*: not ready within 0.3 s: WRONGPASS/,
  })
  const [port] = await freePorts(1)
  await t.rejects(connectRedis(`redis://127.0.0.1:${port}`, { log, withinMs: 300 }), {
    message: /not ready within 0.3 s: connect ECONNREFUSED/,
  })
  t.equal(lines.length, 2)
  t.notMatch(lines.join('\n'), 'wrong-password')
})
