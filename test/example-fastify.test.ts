/**
 * `examples/fastify` as a process of its own, with the package as its users get it: built, by its exports. So this test
 * needs a build, which `npm test` makes.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { generateMasterKeys } from '../src/token/master-keys.js'
import { inCheckout } from './support/checkout.js'
import { asWorker, openSession, startOAuth, worker } from './support/oauth.js'
import { until } from './support/redis-groups.js'
import { ada } from './support/service.js'

const root = inCheckout('')
/** What another process needs beyond the service, at most. */
const SLACK_MS = 250

/** What the types of the plugin do not let pass; each line must be an error, or is one. */
const misuse = `import verify from 'countersign/verify'
import fastify from 'fastify'
const app = fastify()
await app.register(verify)
// @ts-expect-error a requirement that is not known must not be ignored
app.requireAuth({ scope: ['read'] })
// @ts-expect-error there is no such role
app.requireAuth({ roles: ['king'] })
// @ts-expect-error there is no such thing
app.get('/', async ({ auth }) => auth.user)
// @ts-expect-error what the service adds to requests is not there
app.get('/', async ({ grant }) => grant)
`

/** The example in a folder of its own, with what `npm install` would put beside it. */
async function installExample(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cs-example-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await cp(join(root, 'examples/fastify'), folder, {
    recursive: true,
    filter: (path) => !/node_modules/.test(path),
  })
  await mkdir(join(folder, 'node_modules/@types'), { recursive: true })
  await symlink(root, join(folder, 'node_modules/countersign'))
  for (const name of ['fastify', '@types/node'])
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  return folder
}

interface Example {
  /** Its origin. */
  url: string
  /** @returns its exit code and signal */
  stop(): Promise<unknown[]>
}

async function startExample(t: Test, folder: string, env: Record<string, string>): Promise<Example> {
  const child = spawn(process.execPath, ['app.js'], {
    cwd: folder,
    env: { PATH: process.env.PATH, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const [url] = await Promise.race([once(createInterface(child.stdout), 'line'), ended])
  const stop = () => {
    child.kill()
    return ended
  }
  return { url, stop }
}

t.test('it goes through the compiler, and so does what the README shows; misuse does not', async (t) => {
  const folder = await installExample(t)
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const samples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)
  t.equal(samples.length, 2)
  for (const [i, code] of samples.entries()) await writeFile(join(folder, `readme-${i}.ts`), code)
  await writeFile(join(folder, 'misuse.ts'), misuse)
  const compilerOptions = {
    strict: true,
    target: 'ES2022',
    module: 'NodeNext',
    allowJs: true,
    checkJs: true,
    noEmit: true,
    types: ['node'],
    skipLibCheck: false,
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error) => error)
  t.equal(stdout, '')
})

t.test('it verifies by itself what the service opens, and refuses what it ends', async (t) => {
  const shared = { COUNTERSIGN_KEYS: generateMasterKeys(), COUNTERSIGN_ISSUER: 'https://tokens.example' }
  const service = await startOAuth(t, { env: shared })
  const { url: example, stop } = await startExample(t, await installExample(t), {
    ...shared,
    REDIS_URL: service.redis.url,
    TOKENS_URL: service.url,
    TOKENS_LOGIN: worker.uid,
    TOKENS_PASSWORD: worker.password,
  })
  const ask = async (path: string, token?: string, method = 'GET') => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(example + path, { method, headers })
    const text = await response.text()
    const challenge = response.headers.get('www-authenticate')
    return { status: response.status, challenge, body: text === '' ? undefined : JSON.parse(text) }
  }
  const realm = 'Bearer realm="Countersign"'

  const reader = await openSession(service, { kind: 'fixed', scopes: ['orders:read'] })
  const other = await openSession(service, { kind: 'jwt', life: '1 hour' })
  t.match(await ask('/orders', reader.token), { status: 200, body: { orders: [`a book for ${ada.uid}`] } })
  t.match(await ask('/orders'), { status: 401, challenge: realm })
  t.match(await ask('/orders', `${reader.token}A`), {
    status: 401,
    challenge: `${realm}, error="invalid_token"`,
  })
  const insufficient = `${realm}, error="insufficient_scope"`
  t.match(await ask('/orders', other.token), {
    status: 403,
    challenge: `${insufficient}, scope="orders:read"`,
  })
  t.match(await ask('/reports', reader.token), { status: 403, challenge: insufficient })
  t.match(await ask('/me', other.token), { status: 200, body: { name: ada.uid } })

  const listed = await ask('/devices', reader.token)
  t.strictSame(
    listed.body.map(({ id, here }: { id: string; here: boolean }) => [id, here]).sort(),
    [
      [reader.id, true],
      [other.id, false],
    ].sort(),
  )
  t.match(await ask(`/devices/${other.id}`, reader.token, 'DELETE'), { status: 204 })
  t.match(await ask(`/devices/${other.id}`, reader.token, 'DELETE'), { status: 404 })
  await until('a refusal', async () => (await ask('/me', other.token)).status === 401)

  t.match(await ask('/orders', reader.token), { status: 200 }, 'known here by now')
  const url = `/accounts/${ada.uid}/sessions/${reader.id}`
  t.equal((await service.app.inject({ method: 'DELETE', url, headers: asWorker })).statusCode, 204)
  const since = performance.now()
  await until('a refusal', async () => (await ask('/orders', reader.token)).status === 401)
  t.ok(
    performance.now() - since < SLACK_MS,
    `${Math.round(performance.now() - since)} ms after the service said so`,
  )
  t.strictSame(await stop(), [0, null], 'it ends by itself when its app has closed')
})
