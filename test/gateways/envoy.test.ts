import t from 'tap'
import { headerOf } from '../support/exchange.js'
import { access } from './access.js'
import { forgeries } from './crossing.js'
import { oneBrowser } from './one-browser.js'
import { exampleText, type Header, lines, type PlayedGateway, playWorld } from './played.js'
import { bearer } from './world.js'

const text = await exampleText('envoy/envoy.yaml')

/** The names of the list `key`. */
function namesIn(key: string): string[] {
  const [, list] = new RegExp(`${key}:.*\\n +patterns:\\n((?: +- exact: \\S+\\n)+)`).exec(text) ?? []
  if (list === undefined) throw new Error(`the example has no ${key}`)
  return [...list.matchAll(/exact: (\S+)/g)].map(([, name = '']) => name)
}

const told = ['authorization', ...namesIn('allowed_headers')]
const toApplication = namesIn('allowed_upstream_headers')
const toClient = namesIn('allowed_client_headers_on_success')
const removed = /request_headers_to_remove: &credentials \[(.*)\]/.exec(text)?.[1]?.split(', ') ?? []
const filters = new Map(
  [...text.matchAll(/- name: (countersign\.\w+)\n[\s\S]*? path_prefix: (\S+)/g)].map(
    ([, name = '', prefix = '']) => [name, prefix],
  ),
)
/** The filters that a route leaves on. */
const routes = new Map(
  text
    .slice(text.indexOf('routes:'), text.indexOf('http_filters:'))
    .split('- match:')
    .slice(1)
    .map((route) => {
      const off = [...route.matchAll(/(countersign\.\w+): [&*]off/g)].map(([, name]) => name)
      return [
        /prefix: (\S+)/.exec(route)?.[1] ?? '',
        [...filters.keys()].filter((name) => !off.includes(name)),
      ]
    }),
)

/** As its documentation of `ext_authz` says. */
const envoy: PlayedGateway = {
  question: (path) => `GET /gateway/envoy${path} HTTP/1.1`,

  ask({ method, path }, headers) {
    const route = [...routes.keys()].find((prefix) => path.startsWith(prefix))
    const [filter = ''] = routes.get(route ?? '') ?? []
    if (!filters.has(filter)) return undefined
    const authorizations = headers.filter(([name]) => name.toLowerCase() === 'authorization')
    const others = headers.filter(([name]) => told.slice(1).includes(name.toLowerCase()))
    return [
      `${method} ${filters.get(filter)}${path} HTTP/1.1`,
      'host: gateway.test',
      ...(authorizations.length > 0
        ? [`authorization: ${authorizations.map(([, value]) => value).join(',')}`]
        : []),
      ...lines(others),
      'content-length: 0',
    ]
  },

  judge(answer, headers) {
    if (/ 5\d\d /.test(answer.status))
      return { passes: false, answer: { status: 'HTTP/1.1 503 Service Unavailable', headers: [], body: '' } }
    if (!answer.status.includes(' 200 ')) return { passes: false, answer }
    const pick = (names: string[]) =>
      answer.headers.filter(([name]) => names.includes(name)).map((header): Header => [...header])
    const ours = pick(toApplication)
    const isReplaced = (name: string) => ours.some(([other]) => other === name.toLowerCase())
    const kept = headers.filter(
      ([name]) => !isReplaced(name) && !name.includes('_') && !removed.includes(name.toLowerCase()),
    )
    return { passes: true, headers: [...kept, ...ours], toClient: pick(toClient) }
  },
}

t.test('Envoy', async (t) => {
  t.strictSame(Object.fromEntries(routes), {
    '/auth/': [],
    '/api/': ['countersign.session'],
    '/app/': ['countersign.rotate'],
    '/admin/': ['countersign.admin'],
    '/reports/': ['countersign.reports'],
  })
  t.equal(text.match(/failure_mode_allow: false/g)?.length, filters.size, 'every filter fails closed')
  t.notMatch(text, 'with_request_body:')
  t.match(text, 'headers_with_underscores_action: DROP_HEADER')
  const world = await playWorld(t, envoy)
  const { service, users, ask } = world
  await t.test('access', async (t) => access(t, world))
  await t.test('forgeries', async (t) => forgeries(t, world))
  await t.test('one browser', async (t) => oneBrowser(t, world))

  await t.test('the original method, an announced type, and any path of the client', async (t) => {
    const headers = [bearer(users.fixed), 'Content-Type: application/json']
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'PROPFIND', 'REPORT'])
      t.match((await ask({ method, path: '/api/', headers })).status, / 200 /, method)
    for (const path of ['/api/?a=%zz', `/api/${'x'.repeat(8_000)}`, '/api/%7B;=,/../../../roles=-'])
      t.match((await ask({ path, headers })).status, / 200 /, path.slice(0, 40))
    for (const path of ['/admin/../../-/x', '/admin/../-', '/admin/%2e%2e/-/'])
      t.match((await ask({ path, headers })).status, / 403 /, path)
    t.not((await ask({ path: '/api/%zz', headers })).status, 'HTTP/1.1 200 OK', 'what is no path')
  })

  await t.test('a service without its Redis is an error to Envoy, and never yes', async (t) => {
    service.redis.freeze()
    const request = { path: '/api/', headers: [bearer(users.fixed)] }
    let answer = await ask(request)
    while (answer.status.includes(' 200 ')) answer = await ask(request)
    t.match(answer.status, / 503 /)
    t.equal(headerOf(answer, 'x-auth-subject'), undefined)
    const forged = await ask({ path: '/api/', headers: [bearer('nonsense')] })
    t.match(forged.status, / 401 /, 'about a token it never says 5xx')
    service.redis.thaw()
  })
})
