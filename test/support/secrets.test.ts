import fastify from 'fastify'
import t from 'tap'
import { startRedis } from './redis.js'
import { watchSecrets } from './secrets.js'

const password = 'pass "word" + grün'
const token = `cst_${Buffer.alloc(41, 'countersign').toString('base64url')}`

t.test('a secret is found in every spelling', async (t) => {
  const dir = t.testdir()
  const spelled = {
    plain: password,
    'in JSON': JSON.stringify({ password }),
    'in a URL': `/auth?password=${encodeURIComponent(password)}`,
    'in a form': new URLSearchParams({ password }).toString(),
    'in Basic credentials': `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`,
    'in base64 after one more byte': Buffer.from(`ada!:${password}:x`).toString('base64'),
    'in base64 after two': Buffer.from(`ada!!:${password}:x`).toString('base64url'),
    'in hex': Buffer.from(password).toString('hex'),
    'as a logged buffer': JSON.stringify(Buffer.from(`GET / ${password}`)),
  }
  for (const [where, line] of Object.entries(spelled)) {
    const secrets = watchSecrets()
    secrets.guard(password)
    secrets.log.write('GET /auth ada@example.com')
    t.strictSame(await secrets.findLeaks(dir), [], 'not where there is none')
    secrets.log.write(line)
    t.equal((await secrets.findLeaks(dir)).length, 1, where)
  }
})

t.test('what is handed out is guarded, over the wire and injected', async (t) => {
  const dir = t.testdir()
  for (const way of ['wire', 'inject']) {
    const secrets = watchSecrets()
    const app = fastify()
    t.teardown(() => app.close())
    app.get('/', async (_request, reply) => reply.header('access-token', token).send({}))
    secrets.listenTo(app)
    secrets.log.write(`Bearer ${token}`)
    t.strictSame(await secrets.findLeaks(dir), [], 'nobody was told it yet')
    if (way === 'inject') await app.inject('/')
    else await fetch(await app.listen({ host: '127.0.0.1', port: 0 }))
    t.equal((await secrets.findLeaks(dir)).length, 1, way)
  }
})

t.test('Redis is searched for what it was ever told', async (t) => {
  const redis = await startRedis(t)
  const secrets = watchSecrets()
  secrets.guard(token)
  await redis.client.set('innocent', 'value')
  t.strictSame(await secrets.findLeaks(redis.dir), [])
  await redis.client.hset('session', 'secret', Buffer.from(`--${token}--`))
  await redis.client.del('session')
  t.equal((await secrets.findLeaks(redis.dir)).length, 1)
})
