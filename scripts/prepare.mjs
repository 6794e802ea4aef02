/**
 * Brings a checkout to the point where it runs, and does nothing that is done already. Needs Node alone: there may be no
 * node_modules yet.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
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

/** Compiles the service, `src`, to `dist`. */
export function build() {
  compile({ project: 'tsconfig.build.json', from: 'src', folders: [''], to: 'dist', src: 'dist' })
}

/** Compiles the tests and the bench, with what they use of `src`, to `dist-test`; types are for `npm run lint` to check. */
export function buildTests() {
  const folders = ['src', 'bench', 'test']
  compile({ project: 'tsconfig.test.json', from: '.', folders, to: 'dist-test', src: 'dist-test/src' })
}

/**
 * Compiles what was changed since the last time; the mark that is written last says that it is complete. Under `src` is what
 * becomes of the service's sources.
 */
function compile({ project, from, folders, to, src }) {
  const mark = join(to, '.complete')
  const source = (file) => join(from, file)
  const sources = folders.flatMap((folder) => [
    folder,
    ...programsIn(source(folder)).map((file) => join(folder, file)),
  ])
  const inputs = ['package-lock.json', 'tsconfig.json', project, ...sources.map(source)]
  if (Math.max(...inputs.map(modifiedMs)) < modifiedMs(mark)) return
  console.log(`Building ${to} …`)
  run(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', project])
  for (const file of filesIn(to)) {
    const name = /^(.*)\.(?:js|js\.map|d\.ts)$/.exec(file)?.[1]
    if (name !== undefined && !existsSync(at(source(`${name}.ts`)))) rmSync(at(join(to, file)))
  }
  copyScripts(join(src, 'store/lua'))
  bundleTypeBox(join(src, 'typebox.js'))
  writeFileSync(at(mark), '')
}

const programsIn = (folder) => filesIn(folder).filter((file) => !file.includes('node_modules'))

/** What Redis runs is read from files, beside the code that sends it. */
function copyScripts(folder) {
  rmSync(at(folder), { recursive: true, force: true })
  cpSync(at('src/store/lua'), at(folder), { recursive: true })
}

/** In the place of what `tsc` makes of `src/typebox.ts`, which says why; with its licence, because it is a copy. */
function bundleTypeBox(outfile) {
  const { buildSync } = createRequire(import.meta.url)('esbuild') // there may have been none when we started
  buildSync({
    entryPoints: [at('src/typebox.ts')],
    outfile: at(outfile),
    bundle: true,
    format: 'esm',
    target: 'node20.12',
    banner: { js: `/*\n${readFileSync(at('node_modules/typebox/license'), 'utf8')}*/` },
  })
  rmSync(at(`${outfile}.map`), { force: true })
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
