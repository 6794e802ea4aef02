import t from 'tap'
import { headerOf } from '../support/exchange.js'
import { access } from './access.js'
import { forgeries } from './crossing.js'
import { exampleText, type Header, lines, type PlayedGateway, playWorld } from './played.js'
import { bearer } from './world.js'

const text = await exampleText('traefik/dynamic.yaml')

/** The part of `text` that `pattern` captures. */
function find(pattern: RegExp): string {
  const [, found] = pattern.exec(text) ?? []
  if (found === undefined) throw new Error(`the example has no ${pattern}`)
  return found
}

const middlewareOf = new Map(
  [
    ...text.matchAll(/PathPrefix\(`(\S+)`\)\n +middlewares: \[([\w-]+), no-credentials\]\n +service: app/g),
  ].map(([, prefix = '', middleware = '']) => [prefix, middleware]),
)
const addressOf = new Map(
  [...text.matchAll(/^ {4}(\S+):\n {6}forwardAuth:[\s\S]*? address: (\S+)$/gm)].map(
    ([, middleware = '', address = '']) => [middleware, new URL(address)],
  ),
)
const told = find(/authRequestHeaders: \[(.*)\]/)
  .toLowerCase()
  .split(', ')
const stripped = new RegExp(find(/authResponseHeadersRegex: \(\?i\)(.*)/), 'i')
const removed = [...find(/customRequestHeaders:\n((?: {10}\S+: ""\n)+)/).matchAll(/(\S+): ""/g)].map(
  ([, name = '']) => name.toLowerCase(),
)

/** As `pkg/middlewares/auth/forward.go` does. */
const traefik: PlayedGateway = {
  question: () => 'GET /gateway/forward-auth/- HTTP/1.1',

  ask({ method, path }, headers) {
    const prefix = [...middlewareOf.keys()].find((prefix) => path.startsWith(prefix))
    const address = addressOf.get(middlewareOf.get(prefix ?? '') ?? '')
    if (address === undefined) return undefined
    return [
      `GET ${address.pathname} HTTP/1.1`,
      `Host: ${address.host}`,
      ...lines(headers.filter(([name]) => told.includes(name.toLowerCase()))),
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Host: gateway.test',
      `X-Forwarded-Method: ${method}`,
      'X-Forwarded-Proto: http',
      `X-Forwarded-Uri: ${path}`,
      'Accept-Encoding: gzip',
    ]
  },

  judge(answer, headers) {
    if (!/ 2\d\d /.test(answer.status)) return { passes: false, answer }
    const kept = headers.filter(([name]) => !stripped.test(name) && !removed.includes(name.toLowerCase()))
    const ours = answer.headers.filter(([name]) => stripped.test(name)).map((header): Header => [...header])
    return { passes: true, headers: [...kept, ...ours], toClient: [] }
  },
}

t.test('Traefik', async (t) => {
  t.strictSame([...middlewareOf.keys()], ['/api/', '/app/', '/admin/', '/reports/'])
  t.match(text, 'trustForwardHeader: false')
  const world = await playWorld(t, traefik)
  await t.test('access', async (t) => access(t, world))
  await t.test('forgeries', async (t) => forgeries(t, world))

  await t.test('a service without its Redis says so', async (t) => {
    const { service, users, ask } = world
    service.redis.freeze()
    const request = { path: '/api/', headers: [bearer(users.fixed)] }
    let answer = await ask(request)
    while (answer.status.includes(' 200 ')) answer = await ask(request)
    t.match(answer.status, / 503 /)
    t.match(headerOf(answer, 'retry-after'), /^\d+$/)
    service.redis.thaw()
  })
})
