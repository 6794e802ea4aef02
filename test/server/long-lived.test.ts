import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const program = fileURLToPath(new URL('ticking.js', import.meta.url))

t.test('a tick costs no more after a collection of all garbage than before', async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program])
  const { before, after } = JSON.parse(stdout)
  t.ok(after < 2.5 * before, `${before.toFixed()} ns before, ${after.toFixed()} ns after`)
})
