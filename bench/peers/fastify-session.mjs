/**
 * @fastify/session with sessions in Redis.
 *
 * For speed: a session that did not change is neither stored nor sent again (`rolling: false`), and one that nobody
 * filled is not stored at all (`saveUninitialized: false`): https://github.com/fastify/session#api. The store is the
 * three methods that its documentation asks for, on ioredis, pipelined: https://github.com/redis/ioredis#autopipelining.
 */
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import fastify from 'fastify'
import { Redis } from 'ioredis'

const LIFE_SECONDS = 86_400

const redis = new Redis({ path: new URL(process.env.REDIS_URL).pathname, enableAutoPipelining: true })
const keyOf = (id) => `fastify:${id}`
const store = {
  get(id, done) {
    redis.get(keyOf(id)).then((json) => done(null, json === null ? null : JSON.parse(json)), done)
  },
  set(id, content, done) {
    redis.set(keyOf(id), JSON.stringify(content), 'EX', LIFE_SECONDS).then(() => done(), done)
  },
  destroy(id, done) {
    redis.del(keyOf(id)).then(() => done(), done)
  },
}

const app = fastify()
app.register(cookie)
app.register(session, {
  secret: 'a secret of thirty-two characters or more',
  store,
  rolling: false,
  saveUninitialized: false,
  cookie: { secure: false, maxAge: LIFE_SECONDS * 1000 },
})
app.post('/login', async (request) => {
  request.session.account = request.body
  return {}
})
app.get('/me', async (request) => ({ success: true, data: request.session.account }))
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
