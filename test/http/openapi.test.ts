/** `/openapi.json`: well-formed, complete, and true of what the transcripts show. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { inCheckout } from '../support/checkout.js'
import { startService } from '../support/service.js'
import { type Exchange, parseTranscript } from '../support/transcript.js'

interface Described {
  description: string
  headers?: Record<string, object>
  content?: Record<string, { schema: TSchema }>
}
interface Operation {
  operationId: string
  summary?: string
  tags?: string[]
  responses: Record<string, Described>
}
interface Document {
  paths: Record<string, Record<string, Operation>>
}

const { app } = await startService(t)
const { body: text } = await app.inject('/openapi.json')
const document = JSON.parse(text) as Document // which is what this file is about
const operations = Object.entries(document.paths).flatMap(([path, verbs]) =>
  Object.entries(verbs).map(([verb, operation]) => ({ path, verb: verb.toUpperCase(), operation })),
)

t.test('redocly finds nothing to complain of', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cs-openapi-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'openapi.json'), text)
  const redocly = inCheckout('node_modules/@redocly/cli/bin/cli.js')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [redocly, 'lint', '--extends=recommended-strict', '--format=json', 'openapi.json'],
    {
      cwd: folder,
      env: { PATH: process.env.PATH, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    },
  ).catch((error: { stdout: string }) => error)
  const { totals, problems } = JSON.parse(stdout.slice(stdout.indexOf('{')))
  t.strictSame(problems, [])
  t.strictSame(totals, { errors: 0, warnings: 0, ignored: 0 })
})

t.test('every route is in it, and every one has words', async (t) => {
  const described = new Set(operations.map(({ path, verb }) => `${verb} ${path}`))
  const routes = await readRoutes()
  t.ok(routes.length > 30, `${routes.length} routes`)
  for (const route of routes) t.ok(described.has(route), route)
  for (const { path, verb, operation } of operations)
    t.ok(operation.summary && operation.tags?.length === 1, `${verb} ${path}`)
  t.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length)
})

t.test('/docs shows it', async (t) => {
  const page = await app.inject('/docs')
  t.equal(page.statusCode, 200)
  t.match(page.headers['content-security-policy'], /default-src 'self'/)
  const shown = await app.inject('/docs/json')
  t.strictSame(shown.json(), JSON.parse(text))
})

t.test('what the transcripts show is what it says', async (t) => {
  const folder = inCheckout('test/wire')
  const checkers = new Map<TSchema, ReturnType<typeof Compile>>()
  const shown = new Set<string>()
  for (const file of await readdir(folder)) {
    const { exchanges } = parseTranscript(await readFile(join(folder, file), 'utf8'))
    for (const exchange of exchanges) {
      const [verb = '', target = ''] = exchange.request.start.split(' ')
      const found = find(verb, target)
      if (found === undefined) continue
      const where = `test/wire/${file}:${exchange.line} ${exchange.name}`
      const status = exchange.answer.start.split(' ')[1] ?? ''
      const { responses } = found.operation
      const response = responses[status] ?? responses[`${status[0]}XX`]
      if (response === undefined) {
        t.fail(`${where}: ${status} is not described`)
        continue
      }
      if (status.startsWith('2')) shown.add(found.operation.operationId)
      const undescribed = headerNames(exchange).filter((name) => !(name in (response.headers ?? {})))
      if (undescribed.length > 0) t.fail(`${where}: ${undescribed} not described`)
      const type = /^content-type: ([^;]*)/m.exec(exchange.answer.headers.join('\n'))?.[1] ?? ''
      const schema = response.content?.[type]?.schema
      if (exchange.answer.body === '' && schema === undefined) continue
      if (schema === undefined) {
        t.fail(`${where}: ${status} as ${type || 'nothing'} is not described`)
        continue
      }
      const checker = checkers.get(schema) ?? Compile(schema)
      checkers.set(schema, checker)
      const value: unknown = JSON.parse(exchange.answer.body.replaceAll(/"?\{\{(\w+)[^{}]*\}\}"?/g, sample))
      if (!checker.Check(value))
        t.fail(where, { found: JSON.stringify([...checker.Errors(value)].slice(0, 2)) })
    }
  }
  const missing = operations.filter(
    ({ operation }) =>
      ['devise', 'Gigadrive', 'Specter', 'standards', 'services'].includes(operation.tags?.[0] ?? '') &&
      !shown.has(operation.operationId),
  )
  t.strictSame(
    missing.map(({ verb, path }) => `${verb} ${path}`).filter((route) => !elsewhere.includes(route)),
    [],
    'and each of them is shown',
  )
})

/** Is the same as PUT; has tests of its own. */
const elsewhere = ['PATCH /auth/password', 'GET /.well-known/jwks.json']

/** Every path and verb that is not answered with 405: but HEAD, OPTIONS, the document itself, and the twins under /api. */
async function readRoutes(): Promise<string[]> {
  const parents: string[] = []
  const found: string[] = []
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', segment = ''] = /^([│ ]*)[├└]── (\S+)/.exec(line) ?? []
    parents.splice(indent.length / 4, Number.POSITIVE_INFINITY, segment)
    const path = parents.join('')
    if (!path.startsWith('/') || /^\/(api|docs|openapi\.json|gateway)/.test(path)) continue
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      const { statusCode } = await app.inject({ method, url: path })
      if (statusCode !== 405) found.push(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    }
  }
  return found
}

function find(verb: string, target: string) {
  const path = (target.split('?')[0] ?? '').replace(/^\/api(?=\/)/, '').replace(/(?<=.)\/$/, '')
  const of = (template: string) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
  return operations.find((one) => one.verb === verb && of(one.path).test(path))
}

/** What framing, caching, CORS and content negotiation add is not of the dialect. */
function headerNames({ answer }: Exchange): string[] {
  const common = /^(content-type|cache-control|allow|vary|access-control-.*)$/
  return answer.headers
    .map((header) => header.slice(0, header.indexOf(':')))
    .filter((name) => !common.test(name))
}

/** Something of the kind that a placeholder stands for. */
function sample(placeholder: string, kind: string): string {
  if (kind === 'seconds') return '1.5'
  if (kind === 'expiry' || kind === 'epoch') return '1700000000'
  const text = { event: '1700000000000-0', time: new Date().toISOString() }[kind] ?? 'text'
  const isWhole = placeholder.startsWith('"') && placeholder.endsWith('"')
  return isWhole ? JSON.stringify(text) : placeholder.replace(/\{\{.*\}\}/, text)
}
