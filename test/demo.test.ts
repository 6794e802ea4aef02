/** `npm run demo`: it runs, shows what it promises and no secret, and leaves nothing behind. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import t, { type Test } from 'tap'
import { inCheckout } from './support/checkout.js'

const demo = inCheckout('scripts/demo.mjs')

/** A folder for temporary files that nobody else uses. */
async function privateTmp(t: Test): Promise<NodeJS.ProcessEnv> {
  const folder = await mkdtemp(join(tmpdir(), 'cs-demo-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const { NO_COLOR: _, ...env } = process.env
  return { ...env, TMPDIR: folder }
}

t.test('signs in on all three dialects', async (t) => {
  const env = await privateTmp(t)
  const { stdout } = await promisify(execFile)(process.execPath, [demo], { env })
  const text = stripVTControlCharacters(stdout)
  t.not(text, stdout, 'in colour')
  for (const shown of [
    'POST /auth/sign_in',
    'GET /auth/validate_token',
    'DELETE /token',
    'POST /api/v1alpha/token',
    '"alg":"EdDSA"',
    'session.replayed',
  ])
    t.ok(text.includes(shown), shown)
  t.equal(
    text.match(/← 401 Unauthorized/g)?.length,
    4,
    'the thief, the owner, the lost phone, the deleted JWT',
  )
  t.notMatch(text, /← 5|undefined/)
  t.notMatch(text, /cst_[\w-]{55}|eyJ[\w-]+\.[\w-]+\./, 'no token in full')
  t.strictSame(await readdir(env.TMPDIR ?? ''), [], 'nothing is left')
})

t.test('interrupted, it leaves nothing either', async (t) => {
  const env = await privateTmp(t)
  const child = spawn(process.execPath, [demo], { env: { ...env, NO_COLOR: '1' } })
  const [first] = await once(child.stdout.setEncoding('utf8'), 'data')
  t.notOk(String(first).includes('\x1b'), 'without colours when they are not wanted')
  child.kill('SIGINT')
  await once(child, 'exit')
  t.strictSame(await readdir(env.TMPDIR ?? ''), [])
})
