/** The guard of what a request costs: it must fail on what it is there for, and name it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { accept, BYTES, CPU_RATIO, describe, differences } from '../bench/guard/compare.js'
import { inCheckout } from './support/checkout.js'

const root = inCheckout('')

t.test('what is exact, and what may differ', async (t) => {
  const kept = { a: { 'round trips': 0, hashes: 2 }, load: { [CPU_RATIO]: 2 }, session: { [BYTES]: 200 } }
  const complaints = (now: Parameters<typeof differences>[1]) => describe(differences(kept, now))
  t.equal(complaints(kept), '')
  t.equal(complaints({ a: { 'round trips': 1, hashes: 2 } }), 'a: round trips: kept 0, got 1')
  t.equal(
    complaints({ a: { 'round trips': 0, logs: 1 } }),
    'a: hashes: kept 2, got none\na: logs: kept none, got 1',
  )
  t.equal(complaints({ b: { 'round trips': 0 } }), 'b: round trips: kept none, got 0')
  t.equal(complaints({ load: { [CPU_RATIO]: 3 }, session: { [BYTES]: 210 } }), '')
  t.equal(complaints({ load: { [CPU_RATIO]: 0.5 }, session: { [BYTES]: 190 } }), '')
  t.equal(complaints({ load: { [CPU_RATIO]: 3.01 } }), `load: ${CPU_RATIO}: kept 2, got 3.01`)
  t.equal(complaints({ session: { [BYTES]: 211 } }), `session: ${BYTES}: kept 200, got 211`)
  t.equal(complaints({ session: { [BYTES]: 189 } }), `session: ${BYTES}: kept 200, got 189`)
})

t.test('what is accepted is kept, and noise is not', async (t) => {
  const kept = { a: { 'round trips': 0, hashes: 2 }, load: { [CPU_RATIO]: 2 }, b: { hashes: 1 } }
  const now = { a: { 'round trips': 1, logs: 1 }, load: { [CPU_RATIO]: 2.2 }, c: { hashes: 3 } }
  t.strictSame(accept(kept, now), {
    a: { 'round trips': 1, logs: 1 },
    load: { [CPU_RATIO]: 2 },
    b: { hashes: 1 },
    c: { hashes: 3 },
  })
})

t.test('npm run bench:guard', async (t) => {
  const run = (...args: string[]) => runProgram(inCheckout('dist-test/bench/guard/main.js'), args)
  t.match(await run('--help'), { exitCode: 0, said: /--accept/ })
  t.match(await run('--fast'), { exitCode: 2, said: /Unknown option '--fast'/ })

  t.match(await run('--only', 'verifi'), { exitCode: 2, said: /there is nothing called "verifi"/ })

  const dir = await copyOfService(t)
  const kept = join(dir, 'kept.json')
  const look = (...args: string[]) =>
    run('--service', join(dir, 'dist/server.js'), '--kept', kept, '--counts', ...args)
  t.match(await look('--accept', '--only', 'verify', '--only', 'rotate'), {
    exitCode: 0,
    said: /figures are kept as they are now\.\n$/,
  })
  t.match(await look('--only', 'verify'), { exitCode: 0, said: /figures are as they were kept\.\n$/ })

  const file = join(dir, 'dist/sessions/authenticate.js')
  const original = await readFile(file, 'utf8')
  const judging = 'authenticate(credential, mode, use) {'
  const presenting = 'function present(token, claim, uidHash, mode, use) {'
  const presentAgain = 'present(token, claim, uidHash, mode, null)'
  for (const { what, after, code, scenario, named } of [
    {
      what: 'a second round trip',
      ...{ after: presenting, code: `if (use !== null) return store.ping().then(() => ${presentAgain});` },
      ...{ scenario: 'rotate', named: /^rotate: round trips: kept 1, got 2$/m },
    },
    {
      what: 'an extra hash',
      ...{ after: judging, code: "hashed('sha256', mode);" },
      ...{ scenario: 'verify', named: /^verify: crypto.hash: kept none, got 1$/m },
    },
    {
      what: 'a line in the log',
      ...{ after: judging, code: 'console.log(mode);' },
      ...{ scenario: 'verify', named: /^verify: writes to its output: kept none, got 1$/m },
    },
  ]) {
    t.ok(original.includes(after), `the place for ${what} is there`)
    await writeFile(
      file,
      `import { hash as hashed } from 'node:crypto'\n${original.replace(after, `${after} ${code}`)}`,
    )
    const { exitCode, said } = await look('--only', scenario)
    t.equal(exitCode, 1, what)
    t.match(said, named)
    t.match(said, /If that is wanted: npm run bench:guard -- --accept\n$/)
  }
})

async function runProgram(
  program: string,
  args: string[],
): Promise<{ exitCode: number | null; said: string }> {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const said = await text(child.stdout)
  if (child.exitCode === null) await once(child, 'exit')
  return { exitCode: child.exitCode, said }
}

/** @returns a folder with the built service, gone after the test; its packages are those of the checkout */
async function copyOfService(t: Test): Promise<string> {
  await mkdir(join(root, '.cache'), { recursive: true })
  const dir = await mkdtemp(join(root, '.cache/guard-test-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  await cp(join(root, 'dist'), join(dir, 'dist'), { recursive: true })
  return dir
}
