/**
 * A power cut, emulated as its worst case: of the append-only file, nothing survives that was written after the last
 * fsync. (Killing Redis alone loses nothing: what it has written is the kernel's.) Nothing is pulled from a socket here.
 */
import { readFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestRedis } from './redis.js'

/** Where the file stood when it was last on disk. */
export interface OnDisk {
  path: string
  bytes: number
}

const FOLDER = 'appendonlydir'

/** Takes this moment for the last fsync. With `appendfsync everysec` it lies up to a second, or two, before the cut. */
export async function noteFsync({ dir }: TestRedis): Promise<OnDisk> {
  const folder = join(dir, FOLDER)
  const manifest = await readFile(join(folder, 'appendonly.aof.manifest'), 'utf8')
  const name = [...manifest.matchAll(/^file (\S+) seq \d+ type i$/gm)].at(-1)?.[1]
  if (name === undefined) throw new Error(`no append-only file in ${manifest}`)
  const path = join(folder, name)
  return { path, bytes: (await stat(path)).size }
}

/** @returns how many bytes were lost. Redis lies dead afterwards; `restart` it. */
export async function cutPower(redis: TestRedis, { path, bytes }: OnDisk): Promise<number> {
  await redis.kill()
  const { size } = await stat(path)
  await truncate(path, bytes)
  return size - bytes
}
