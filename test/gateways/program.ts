/** The real gateways: from the PATH, from a cached copy, or unpacked from the system's packages; nothing is installed. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { type Packaged, unpackPackage } from '../../src/store/system-package.js'
import { inCheckout } from '../support/checkout.js'

const run = promisify(execFile)
const cacheDir = inCheckout('.cache/gateways')

export interface Program extends Packaged {
  /** Prints what it can do. */
  about: string
  /** Found in that text when it can do what the example needs. */
  able: RegExp
}

/** @returns the path of one that runs. @throws Error that says why it cannot be had */
export async function findProgram(program: Program): Promise<string> {
  const name = basename(program.program)
  const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin`
  const found = await run('/bin/sh', ['-c', 'command -v "$0"', name], { env: { PATH } }).catch(
    () => undefined,
  )
  const link = join(cacheDir, name)
  for (const path of [found?.stdout.trim(), link])
    if (path !== undefined && (await works(path, program))) return path
  await makeCopy(link, program)
  return link
}

async function works(path: string, { about, able }: Program): Promise<boolean> {
  const answer = await run(path, [about]).catch(() => undefined)
  return answer !== undefined && able.test(answer.stdout + answer.stderr)
}

/** In a folder of its own, to which the link is then set in one step: whoever asks meanwhile finds it whole. */
async function makeCopy(link: string, program: Program): Promise<void> {
  await mkdir(cacheDir, { recursive: true })
  const draft = await mkdtemp(`${link}-`)
  try {
    await chmod(draft, 0o755)
    await unpackPackage(draft, program)
    const made = join(draft, basename(link))
    if (!(await works(made, program))) throw new Error(`${program.packageName} does not run here`)
    await symlink(join(basename(draft), basename(link)), join(draft, 'link'))
    await rename(join(draft, 'link'), link)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}
