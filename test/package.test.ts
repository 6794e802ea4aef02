/** The package as npm would publish it: its exports lead somewhere, with types, in every way that Node and bundlers resolve. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { inCheckout } from './support/checkout.js'

const root = inCheckout('')

t.test('publint and attw find nothing to complain of', async (t) => {
  const { stdout, stderr, code } = await promisify(execFile)('npm', ['run', 'lint:package'], {
    cwd: root,
  }).then(
    (output) => ({ ...output, code: 0 }),
    (error) => error,
  )
  t.equal(code, 0, stdout + stderr)
  t.match(stdout, /All good!/)
})
