/**
 * Takes a program out of Debian's or Ubuntu's own packages, as root or not, without installing anything: the system's
 * package lists, keys and mirrors are used, its state is not touched.
 */
import { execFile } from 'node:child_process'
import { access, chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The C library belongs to the system's loader: a private one beside it does not start. */
const NEVER_PRIVATE = new Set(['libc6', 'libc-bin'])

/** A program and the package that has it. */
export interface Packaged {
  packageName: string
  /** Where the package puts it, as `usr/sbin/nginx`. */
  program: string
}

/**
 * Unpacks the package and those it needs that the system lacks into `folder/root`, and writes `folder/<name>`, which runs
 * the program with their libraries. The folder may be moved afterwards.
 *
 * @throws Error with the package tools' last words
 */
export async function unpackPackage(folder: string, { packageName, program }: Packaged): Promise<void> {
  await access('/usr/bin/apt-get').catch(() => {
    throw new Error('this system has no apt-get to fetch it with')
  })
  const scratch = await mkdtemp(join(folder, 'apt-'))
  try {
    const archives = await download(packageName, scratch)
    for (const archive of archives) await run('dpkg', ['-x', archive, join(folder, 'root')])
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  await writeLauncher(folder, program)
}

/** With the system's package lists if they are there and current, otherwise with a private set that is fetched first. */
async function download(packageName: string, scratch: string): Promise<string[]> {
  const lists = join(scratch, 'lists')
  const cache = join(scratch, 'cache')
  const archives = join(scratch, 'archives')
  for (const folder of [join(lists, 'partial'), join(cache, 'archives/partial'), archives])
    await mkdir(folder, { recursive: true })
  const options = ['-o', `Dir::Cache=${cache}`, '-o', 'APT::Sandbox::User=root']
  try {
    await downloadMissing(packageName, options, archives)
  } catch {
    options.push('-o', `Dir::State::Lists=${lists}`)
    try {
      await run('apt-get', [...options, '-qq', 'update'])
      await downloadMissing(packageName, options, archives)
    } catch (error) {
      throw new Error(lastWords(error), { cause: error })
    }
  }
  return (await readdir(archives)).map((file) => join(archives, file))
}

/** Fetches what an installation would add to this system; the list comes from apt's own resolver, in a dry run. */
async function downloadMissing(packageName: string, options: string[], into: string): Promise<void> {
  const dryRun = ['--simulate', '--no-install-recommends', 'install', packageName]
  const { stdout } = await run('apt-get', [...options, ...dryRun])
  const missing = [...stdout.matchAll(/^Inst (\S+)/gm)].flatMap(([, name]) => name ?? [])
  const wanted = new Set([packageName, ...missing.filter((name) => !NEVER_PRIVATE.has(name))])
  await run('apt-get', [...options, '-qq', 'download', ...wanted], { cwd: into })
}

/** `apt-get`'s complaints start with `E:`; the last ones say why. */
function lastWords(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
  const complaints = said.split('\n').filter((line) => line.startsWith('E:'))
  return complaints.slice(-2).join(' ') || (error instanceof Error ? error.message : String(error))
}

/** Whatever PATH is where it is started: it says itself where `readlink` is. */
async function writeLauncher(folder: string, program: string): Promise<void> {
  const entries = await readdir(join(folder, 'root'), { recursive: true, withFileTypes: true })
  const libraries = entries.filter((entry) => /\.so\.\d/.test(entry.name))
  const folders = new Set(libraries.map((entry) => `$here/${relative(folder, entry.parentPath)}`))
  const launcher = join(folder, basename(program))
  await writeFile(
    launcher,
    `#!/bin/sh
self=$(PATH=/usr/bin:/bin readlink -f "$0")
here=\${self%/*}
LD_LIBRARY_PATH="${[...folders].join(':')}" exec "$here/root/${program}" "$@"
`,
  )
  await chmod(launcher, 0o755)
}
