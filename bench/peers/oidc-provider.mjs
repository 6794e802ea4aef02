/**
 * oidc-provider: introspection (RFC 7662) of opaque access tokens that lie in Redis.
 *
 * For speed: the one client is static, and so in memory; it says in `token_type_hint` what it asks about (RFC 7662, section
 * 2.1), and client credentials are off, as by default, so that a token is looked for under one name and then its grant.
 * The adapter keeps them as JSON strings, as the project's example does, on ioredis, pipelined:
 * https://github.com/panva/node-oidc-provider/blob/main/example/adapters/redis.js,
 * https://github.com/redis/ioredis#autopipelining.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Redis } from 'ioredis'
import { Provider } from 'oidc-provider'

const CLIENT_ID = 'gateway'
const LIFE_SECONDS = 86_400

const redis = new Redis({
  path: new URL(process.env.REDIS_URL).pathname,
  enableAutoPipelining: true,
  keyPrefix: 'oidc:',
})

/** What is issued and read here: access tokens and grants, which are never consumed. */
const adapter = (name) => {
  const keyOf = (id) => `${name}:${id}`
  return {
    async upsert(id, payload, lifeSeconds) {
      await redis.set(keyOf(id), JSON.stringify(payload), 'EX', lifeSeconds)
    },
    async find(id) {
      const json = await redis.get(keyOf(id))
      return json === null ? undefined : JSON.parse(json)
    },
    async destroy(id) {
      await redis.del(keyOf(id))
    },
  }
}

const provider = new Provider('http://127.0.0.1', {
  adapter,
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: process.env.CLIENT_SECRET,
      redirect_uris: ['https://app.example.org/callback'],
    },
  ],
  features: {
    introspection: { enabled: true, allowedPolicy: () => true },
    devInteractions: { enabled: false },
  },
  ttl: { AccessToken: LIFE_SECONDS, Grant: LIFE_SECONDS },
})

/** A person has agreed, and the client has its token: the end of an authorization. */
async function issue(accountId) {
  const client = await provider.Client.find(CLIENT_ID)
  const grant = new provider.Grant({ accountId, clientId: CLIENT_ID })
  grant.addOIDCScope('openid')
  const grantId = await grant.save()
  const gty = 'authorization_code'
  const token = new provider.AccessToken({ accountId, client, grantId, gty, scope: 'openid' })
  return token.save()
}

const answer = provider.callback()
const server = createServer(async (request, response) => {
  if (request.url !== '/login') return answer(request, response)
  const { email } = JSON.parse(await text(request))
  response.end(JSON.stringify({ token: await issue(email) }))
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${server.address().port}`)
