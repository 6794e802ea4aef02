/**
 * Brings a checkout to the point where it runs, and does nothing that is done already. Needs Node alone: there may be no
 * node_modules yet.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const at = (path) => join(root, path)
const filesIn = (folder) => readdirSync(at(folder), { recursive: true })
const modifiedMs = (path) => statSync(at(path), { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Ends the process when Node is too old for the code that follows. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 12)) return
  console.error(
    `Countersign needs Node.js 20.12 or newer; this is ${process.version}. See https://nodejs.org`,
  )
  process.exit(1)
}

/** Installs the exact dependencies of a package folder when they are missing or older than its lockfile. */
export function install(folder = '.', ...options) {
  const lockfile = join(folder, 'package-lock.json')
  if (modifiedMs(join(folder, 'node_modules/.package-lock.json')) >= modifiedMs(lockfile)) return
  console.log(`Installing the dependencies of ${folder === '.' ? 'Countersign' : folder} …`)
  run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error', ...options], folder)
}

/** Compiles `src` to `dist` when it was changed since; the mark that is written last says that a build is complete. */
export function build() {
  const mark = 'dist/.complete'
  const sources = filesIn('src').map((file) => join('src', file))
  const inputs = ['src', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', ...sources]
  if (Math.max(...inputs.map(modifiedMs)) < modifiedMs(mark)) return
  console.log('Building …')
  run(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'])
  for (const file of filesIn('dist')) {
    const source = /^(.*)\.(?:js|js\.map|d\.ts)$/.exec(file)?.[1]
    if (source !== undefined && !existsSync(at(`src/${source}.ts`))) rmSync(at(`dist/${file}`))
  }
  copyScripts('dist/store/lua')
  writeFileSync(at(mark), '')
}

/** Compiles `bench`, and what it uses of `src`, to `dist-bench`. */
export function buildBench() {
  run(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.bench.json'])
  copyScripts('dist-bench/src/store/lua')
}

/** What Redis runs is read from files, beside the code that sends it. */
function copyScripts(folder) {
  rmSync(at(folder), { recursive: true, force: true })
  cpSync(at('src/store/lua'), at(folder), { recursive: true })
}

/** Fetches the Redis server that the tests and the embedded store run, if there is none yet. Needs a build. */
export async function fetchRedis() {
  const { findRedisBinary } = await import('../dist/store/redis-binary.js')
  await findRedisBinary(undefined, (line) => console.log(line))
}

/** Runs a command to its end, and ends the process with its exit code if that is not 0. */
function run(command, args, folder = '.') {
  const { status, error } = spawnSync(command, args, { cwd: at(folder), stdio: 'inherit' })
  if (error !== undefined) console.error(`${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

/** The published clients that the tests drive have dependencies of their own. */
export function installClients() {
  if (existsSync(at('test/clients/package.json'))) install('test/clients', '--ignore-scripts')
}
