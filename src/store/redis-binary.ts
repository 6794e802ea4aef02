/**
 * Finds a Redis server to run privately. In order: `redis-server` or `valkey-server` on PATH; the copy in our cache folder;
 * a copy made now, from what the system has or from the system's own packages (`system-package.ts`).
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { unpackPackage } from './system-package.js'

const run = promisify(execFile)

/** Scripts are written for Redis 7.0; older servers lack what they use. */
const OLDEST_MAJOR = 7

/** `<project>/.cache/redis`, the same from `src/` and from `dist/`. */
export const defaultCacheDir = fileURLToPath(new URL('../../.cache/redis', import.meta.url))

/** A server that was seen to run: absolute path and version. */
export interface RedisBinary {
  path: string
  version: string
}

/**
 * @param cacheDir where the private copy is kept; any number of processes may ask at once
 * @param report takes one line when something slow begins
 * @throws Error that names the four ways out
 */
export async function findRedisBinary(
  cacheDir = defaultCacheDir,
  report: (line: string) => void = () => {},
): Promise<RedisBinary> {
  const cached = join(cacheDir, 'redis-server')
  return (
    (await probe(await onPath('redis-server'))) ??
    (await probe(await onPath('valkey-server'))) ??
    (await probe(cached)) ??
    (await makeCopy(cacheDir, report))
  )
}

async function onPath(name: string): Promise<string | undefined> {
  const found = await run('/bin/sh', ['-c', 'command -v "$0"', name]).catch(() => undefined)
  return found?.stdout.trim()
}

/** @returns the binary, if it runs and is new enough */
async function probe(path: string | undefined): Promise<RedisBinary | undefined> {
  if (path === undefined) return undefined
  const answer = await run(path, ['--version']).catch(() => undefined)
  const version = /\bserver v=(\d+[.\d]*)/i.exec(answer?.stdout ?? '')?.[1]
  return version !== undefined && Number.parseInt(version, 10) >= OLDEST_MAJOR ? { path, version } : undefined
}

/** Builds the copy in a folder of its own and then sets the link to it, in one step: whoever asks meanwhile finds it whole. */
async function makeCopy(cacheDir: string, report: (line: string) => void): Promise<RedisBinary> {
  const link = join(cacheDir, 'redis-server')
  let draft: string | undefined
  try {
    await mkdir(cacheDir, { recursive: true })
    draft = await mkdtemp(join(cacheDir, 'copy-'))
    await chmod(draft, 0o755)
    await fill(draft, cacheDir, report)
    const made = await probe(join(draft, 'redis-server'))
    if (made === undefined) throw new Error(`it does not run here, or is older than ${OLDEST_MAJOR}.0`)
    const meanwhile = await probe(link)
    if (meanwhile === undefined) {
      await symlink(join(basename(draft), 'redis-server'), join(draft, 'link'))
      await rename(join(draft, 'link'), link)
      draft = undefined
    }
    return meanwhile ?? { path: link, version: made.version }
  } catch (cause) {
    throw new Error(waysOut(cacheDir, cause), { cause })
  } finally {
    if (draft !== undefined) await rm(draft, { recursive: true, force: true })
  }
}

/**
 * `redis-check-rdb` is the server under another name, in every build of Redis; Debian and Ubuntu ship it in the small
 * package `redis-tools`, without a service. The name that it is started under decides what it does.
 */
async function fill(draft: string, cacheDir: string, report: (line: string) => void): Promise<void> {
  const underAnotherName = await onPath('redis-check-rdb')
  if (underAnotherName !== undefined) {
    await symlink(underAnotherName, join(draft, 'redis-server'))
    if ((await probe(join(draft, 'redis-server'))) !== undefined) return
    await rm(join(draft, 'redis-server'))
  }
  report(`fetching a private copy of Redis into ${cacheDir} (a few MB, once; nothing is installed)`)
  await unpackPackage(draft, { packageName: 'redis-tools', program: 'usr/bin/redis-server' })
  await symlink('redis-check-rdb', join(draft, 'root/usr/bin/redis-server'))
}

function waysOut(cacheDir: string, cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return `No Redis server (${OLDEST_MAJOR}.0 or newer) is here, and a private copy could not be made: ${reason}
Countersign keeps its state in Redis. Any one of these will do:
  1. set REDIS_URL, for example redis://127.0.0.1:6379, to use a Redis that is already running
  2. install one: apt-get install redis-tools, dnf install valkey, brew install redis
  3. docker compose up, which brings its own
  4. put a redis-server or valkey-server binary on PATH, or at ${join(cacheDir, 'redis-server')}`
}
