/**
 * better-auth in a Fastify application, which asks it for the session of each request.
 *
 * For speed: sessions lie in Redis as secondary storage, https://www.better-auth.com/docs/concepts/database#secondary-storage,
 * on ioredis, pipelined, https://github.com/redis/ioredis#autopipelining. They are asked for in process, which is cheaper
 * than a request to better-auth's own routes: https://www.better-auth.com/docs/integrations/express. With COOKIE_CACHE they
 * are read from a signed cookie for five minutes, without a look at Redis:
 * https://www.better-auth.com/docs/guides/optimizing-for-performance. Users are kept in memory; only sign-up looks there.
 */
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { fromNodeHeaders } from 'better-auth/node'
import fastify from 'fastify'
import { Redis } from 'ioredis'

const redis = new Redis({
  path: new URL(process.env.REDIS_URL).pathname,
  enableAutoPipelining: true,
  keyPrefix: 'better:',
})
const auth = betterAuth({
  secret: 'a secret of thirty-two characters or more, with 0 and 1',
  baseURL: 'http://127.0.0.1',
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
  secondaryStorage: {
    get: (key) => redis.get(key),
    set: (key, value, lifeSeconds) =>
      lifeSeconds === undefined ? redis.set(key, value) : redis.set(key, value, 'EX', lifeSeconds),
    delete: async (key) => {
      await redis.del(key)
    },
  },
  session: { cookieCache: { enabled: process.env.COOKIE_CACHE !== undefined, maxAge: 5 * 60 } },
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
})

const app = fastify()
app.post('/login', async ({ body: { email } }, reply) => {
  const body = { name: email, email, password: 'correct horse battery staple' }
  const { headers } = await auth.api.signUpEmail({ body, returnHeaders: true })
  reply.header('set-cookie', headers.getSetCookie())
  return {}
})
app.get('/me', async (request) => {
  const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) })
  return { success: true, data: found?.user }
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
