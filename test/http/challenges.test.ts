/** Wherever a Bearer is refused, the answer says so in the scheme of RFC 6750. */
import t from 'tap'
import { asAda, asWorker, openSession, startOAuth } from '../support/oauth.js'
import { ada } from '../support/service.js'

const REALM = 'Bearer realm="Countersign"'
const service = await startOAuth(t)
const { token: live } = await openSession(service, {})
const { token: jwt, id } = await openSession(service, { kind: 'jwt', life: '6 hours' })
await service.app.inject({ method: 'DELETE', url: `/accounts/${ada.uid}/sessions/${id}`, headers: asWorker })

/** A route of every guard, by how it is asked. */
const routes = {
  'GET /auth/validate_token': {},
  'PUT /auth/password': { payload: {} },
  'GET /token': {},
  'POST /token/verify': {},
  'GET /v1alpha/token': {},
  'POST /v1alpha/token': { payload: {} },
  'GET /gateway/nginx': {},
  'GET /gateway/envoy/some/path': {},
  'GET /accounts': {},
  'GET /accounts/ada@example.com/sessions': {},
  'GET /events': {},
  'POST /verify': { payload: { tokens: ['a'] } },
  'POST /oauth2/introspect': { form: 'token=a' },
  'POST /oauth2/revoke': { form: 'token=a' },
} satisfies Record<string, { payload?: object; form?: string }>

async function ask(route: string, headers: Record<string, string>, prefix = '') {
  const [method = '', path = ''] = route.split(' ')
  const { payload, form }: { payload?: object; form?: string } = routes[route as keyof typeof routes] ?? {}
  const type = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
  const { statusCode, headers: answered } = await service.app.inject({
    method: method as 'GET',
    url: prefix + path,
    headers: { ...headers, ...type },
    ...((payload ?? form) && { payload: payload ?? form }),
  })
  const challenges = [answered['www-authenticate'] ?? []].flat().filter((one) => one.startsWith('Bearer'))
  return { status: statusCode, challenges }
}

const forged = `${live.slice(0, -2)}${live.at(-2) === 'A' ? 'B' : 'A'}${live.slice(-1)}`

for (const route of Object.keys(routes))
  t.test(`RFC 6750 §3: ${route}`, async (t) => {
    for (const prefix of ['', '/api'])
      for (const [what, value] of Object.entries({ 'a forged token': forged, 'a deleted JWT': jwt }))
        for (const scheme of ['Bearer', 'bearer']) {
          const answer = await ask(route, { authorization: `${scheme} ${value}` }, prefix)
          // devise's own routes know no JWT: for them there is no credential.
          const isNone = route.includes('/auth') && value === jwt
          const expected = isNone ? REALM : `${REALM}, error="invalid_token"`
          t.strictSame(answer, { status: 401, challenges: [expected] }, `${what}, ${scheme}`)
        }
  })

t.test('RFC 6750 §3: without credentials the challenge has no error code', async (t) => {
  for (const route of [
    'GET /token',
    'GET /gateway/nginx',
    'GET /accounts',
    'POST /verify',
    'POST /oauth2/revoke',
  ])
    t.strictSame(await ask(route, {}), { status: 401, challenges: [REALM] }, route)
})

t.test('RFC 6750 §3.1: a good token that is not enough lacks scope', async (t) => {
  const authorization = `Bearer ${live}`
  const insufficient = `${REALM}, error="insufficient_scope"`
  for (const route of ['GET /accounts', 'GET /events', 'POST /verify'])
    t.strictSame(await ask(route, { authorization }), { status: 403, challenges: [insufficient] }, route)
  t.strictSame(await ask('GET /gateway/nginx/scopes=read,write', { authorization }), {
    status: 403,
    challenges: [`${insufficient}, scope="read write"`],
  })
  t.strictSame(await ask('GET /accounts', asAda), { status: 403, challenges: [] }, 'a password has none')
})
