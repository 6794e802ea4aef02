/** Published OAuth clients, unmodified and over HTTP: they discover the service, introspect and revoke. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import t, { type Test } from 'tap'
import { kinds, openSession, startOAuth, worker } from '../support/oauth.js'
import { ada } from '../support/service.js'

/** A service whose issuer is where it is: its address is known before it listens, because a forwarder stands before it. */
async function start(t: Test) {
  let port = 0
  const door = createServer((client) => {
    const service = connect(port, '127.0.0.1')
    client.pipe(service).pipe(client)
    for (const end of [client, service])
      end.on('error', () => {
        client.destroy()
        service.destroy()
      })
  })
  await once(door.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => door.close())
  const issuer = `http://127.0.0.1:${(door.address() as AddressInfo).port}`
  const service = await startOAuth(t, { env: { COUNTERSIGN_ISSUER: issuer } })
  port = service.port
  return { service, issuer: new URL(issuer) }
}

/** What the clients have in common. */
interface Client {
  introspect(token: string): Promise<Record<string, unknown>>
  revoke(token: string): Promise<void>
}

async function oauth4webapi(
  issuer: URL,
  client_id: string,
  authentication: oauth.ClientAuth,
): Promise<Client> {
  const insecure = { [oauth.allowInsecureRequests]: true }
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  const as = await oauth.processDiscoveryResponse(issuer, found)
  const client = { client_id }
  return {
    async introspect(token) {
      const response = await oauth.introspectionRequest(as, client, authentication, token, insecure)
      return { ...(await oauth.processIntrospectionResponse(as, client, response)) }
    },
    async revoke(token) {
      const response = await oauth.revocationRequest(as, client, authentication, token, insecure)
      await oauth.processRevocationResponse(response)
    },
  }
}

async function openidClient(issuer: URL, id: string, authentication: openid.ClientAuth): Promise<Client> {
  const options: openid.DiscoveryRequestOptions = {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  }
  const config = await openid.discovery(issuer, id, undefined, authentication, options)
  return {
    introspect: async (token) => ({ ...(await openid.tokenIntrospection(config, token)) }),
    revoke: (token) => openid.tokenRevocation(config, token),
  }
}

const clients: Record<string, (issuer: URL, id: string, secret: string) => Promise<Client>> = {
  'oauth4webapi, client_secret_basic': (issuer, id, secret) =>
    oauth4webapi(issuer, id, oauth.ClientSecretBasic(secret)),
  'oauth4webapi, client_secret_post': (issuer, id, secret) =>
    oauth4webapi(issuer, id, oauth.ClientSecretPost(secret)),
  'openid-client, client_secret_basic': (issuer, id, secret) =>
    openidClient(issuer, id, openid.ClientSecretBasic(secret)),
  'openid-client, client_secret_post': (issuer, id, secret) =>
    openidClient(issuer, id, openid.ClientSecretPost(secret)),
}

const { service, issuer } = await start(t)
const odd = { uid: 'a client: +1', provider: 'local', password: 'p+s %41&=:ß', roles: ['service'] } as const
await service.addAccount(odd)

for (const [name, connectAs] of Object.entries(clients))
  t.test(name, async (t) => {
    for (const { uid, password } of [worker, odd]) {
      const client = await connectAs(issuer, uid, password)
      for (const kind of kinds) {
        const { id, token } = await openSession(service, { kind, scopes: ['read'], life: '6 hours' })
        const { iss, ...expected } = {
          iss: issuer.origin,
          active: true,
          sub: ada.uid,
          sid: id,
          scope: 'read',
          kind,
        }
        t.match(await client.introspect(token), { ...expected, iss }, `${kind}: introspected`)
        await client.revoke(token)
        t.strictSame(await client.introspect(token), { active: false }, `${kind}: revoked`)
        await client.revoke(token)
      }
      t.strictSame(await client.introspect('a token of another world'), { active: false })
    }
    const stranger = await connectAs(issuer, worker.uid, 'wrong')
    const statusOf = ({ status }: { status?: number }) => status
    t.equal(await stranger.introspect('cst_none').catch(statusOf), 401)
    t.equal(await stranger.revoke('cst_none').catch(statusOf), 401)
  })

t.test('a client that was told another issuer goes no further', async (t) => {
  const other = new URL(`http://localhost:${issuer.port}`)
  await t.rejects(openidClient(other, worker.uid, openid.ClientSecretBasic(worker.password)), {
    code: 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  })
})
