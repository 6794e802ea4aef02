// @ts-check
/**
 * A service beside Countersign. It verifies tokens in its own process, against the same Redis (`countersign/verify`), and
 * asks Countersign over HTTP for what only Countersign does (`countersign/client`).
 *
 *     REDIS_URL=… COUNTERSIGN_KEYS=… COUNTERSIGN_ISSUER=…  as Countersign has them
 *     TOKENS_URL=http://127.0.0.1:7171 TOKENS_LOGIN=shop TOKENS_PASSWORD=…  an account with the role `service`
 *     npm install && npm start
 */
import { CountersignError, createClient } from 'countersign/client'
import verify from 'countersign/verify'
import fastify from 'fastify'

const {
  TOKENS_URL = 'http://127.0.0.1:7171',
  TOKENS_LOGIN = '',
  TOKENS_PASSWORD = '',
  PORT = '3000',
} = process.env

const app = fastify({ logger: { level: 'warn' } })
await app.register(verify)
const tokens = createClient({
  url: TOKENS_URL,
  credentials: { login: TOKENS_LOGIN, password: TOKENS_PASSWORD },
})

/** A good token, and one of the scopes of its session. */
app.get('/orders', { onRequest: app.requireAuth({ scopes: ['orders:read'] }) }, async ({ auth }) => ({
  orders: [`a book for ${auth.subject}`],
}))

/** A role of the account. */
app.get('/reports', { onRequest: app.requireAuth({ roles: ['admin'] }) }, async () => ({ sold: 1 }))

/** Called by browsers: the answer may carry the next token of a session that rotates. */
app.get('/me', { onRequest: app.requireAuth({ rotate: true }) }, async ({ auth }) => ({
  name: auth.subject,
  until: new Date(auth.expiresAt),
}))

/** A whole scope: the caller's own sessions, which Countersign keeps. */
await app.register(
  async (devices) => {
    devices.addHook('onRequest', devices.requireAuth())

    devices.get('/', async ({ auth }) => {
      const sessions = await tokens.sessions.list(auth.subject)
      return sessions.map(({ id, device, lastSeenAt }) => ({
        id,
        device,
        lastSeenAt,
        here: id === auth.session,
      }))
    })

    devices.delete('/:id', async ({ auth, params }, reply) => {
      const { id } = /** @type {{ id: string }} */ (params)
      const ended = await tokens.sessions.revoke(auth.subject, id)
      return reply.code(ended ? 204 : 404).send()
    })
  },
  { prefix: '/devices' },
)

app.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof CountersignError) || error.code === 'invalid') throw error
  app.log.warn(error)
  return reply.code(503).header('retry-after', '1').send({ error: 'Try again.' })
})

process.once('SIGTERM', () => app.close())
console.log(await app.listen({ host: '127.0.0.1', port: Number(PORT) }))
