/** `npm start` as a new user meets it: twice on one fresh data folder, used over HTTP, stopped as Ctrl-C stops it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const dataDir = mkdtempSync(join(tmpdir(), 'countersign-ci-'))
const port = await freePort()
const base = `http://127.0.0.1:${port}`
let running

try {
  const first = await start()
  const password = /shown this once: (\S+)/.exec(first.output())?.[1]
  assert.ok(password, 'the first start prints a password')
  const signedIn = await ask('/auth/sign_in', {
    method: 'POST',
    body: new URLSearchParams({ uid: 'admin', password }),
  })
  assert.equal(signedIn.status, 200)
  const validated = await ask('/auth/validate_token', { headers: credentials(signedIn) })
  assert.equal(validated.status, 200)
  assert.notEqual(token(validated), token(signedIn), 'the first validation rotates')
  await stop(first)

  const second = await start()
  assert.doesNotMatch(second.output(), /shown this once/)
  const kept = await ask('/auth/validate_token', { headers: credentials(validated) })
  assert.equal(kept.status, 200, 'the session outlives a restart')
  const signedOut = await ask('/auth/sign_out', { method: 'DELETE', headers: credentials(validated) })
  assert.equal(signedOut.status, 200)
  assert.equal((await ask('/auth/validate_token', { headers: credentials(validated) })).status, 401)
  await stop(second)
  console.log('the first minute works')
} finally {
  if (running !== undefined) process.kill(-running.pid, 'SIGKILL')
  rmSync(dataDir, { recursive: true, force: true })
}

async function start() {
  const since = performance.now()
  // Named, so that the first start does not fetch 64 MB.
  const geo = { COUNTERSIGN_GEO_DB: join(dataDir, 'no-geo') }
  const env = { ...process.env, PORT: String(port), COUNTERSIGN_DATA_DIR: dataDir, ...geo }
  const child = spawn('npm', ['start'], { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  running = child
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  while (!output.includes('/auth/sign_out')) {
    assert.equal(child.exitCode, null, `it ended: ${output}`)
    assert.ok(performance.now() - since < 120_000, `not started: ${output}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  console.log(`started in ${((performance.now() - since) / 1000).toFixed(1)} s`)
  return { child, output: () => output }
}

/** A terminal sends Ctrl-C to the whole group. */
async function stop({ child, output }) {
  const [redisPid] = readFileSync(join(dataDir, 'redis/owner'), 'utf8').split(' ')
  process.kill(-child.pid, 'SIGINT')
  const [code] = await once(child, 'exit')
  running = undefined
  assert.equal(code, 0, output())
  assert.ok(!existsSync(`/proc/${redisPid}`), 'Redis has ended, too')
}

async function ask(path, options) {
  const answer = await fetch(base + path, options)
  await answer.text()
  return answer
}

function credentials({ headers }) {
  return Object.fromEntries(['access-token', 'client', 'uid'].map((name) => [name, headers.get(name)]))
}

function token({ headers }) {
  return headers.get('access-token')
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await once(server.close(), 'close')
  return port
}
