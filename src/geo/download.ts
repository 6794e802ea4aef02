import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { constants, type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'

export interface DownloadOptions {
  url: string
  /** What is here already is kept, and the rest is asked for. */
  path: string
  signal?: AbortSignal | undefined
  /** Both in bytes; the total is undefined when the server does not say. */
  onProgress(received: number, total: number | undefined): void
  /** Waits between tries: this long, then twice, then three times. */
  retryMs?: number
  /** A connection on which nothing comes for so long is given up. */
  stallMs?: number
}

/** Tries without a byte of progress before giving up. */
const MAX_FAILURES = 4

/**
 * Downloads a file that never changes under its URL, goes on where an earlier try stopped, and tries again when the
 * connection breaks. Two processes may write the same file at once: every byte goes to its own place, and both write the same.
 * Whether the bytes are right is for `integrityOf` to say.
 *
 * @throws when aborted (the part that is there stays), refused, or cut off too often
 */
export async function download({ retryMs = 1000, ...options }: DownloadOptions): Promise<void> {
  const file = await open(options.path, constants.O_RDWR | constants.O_CREAT)
  try {
    for (let failures = 0; ; ) {
      const { size } = await file.stat()
      try {
        return await attempt(file, size, options)
      } catch (error) {
        failures = (await file.stat()).size > size ? 1 : failures + 1
        if (options.signal?.aborted || error instanceof Refused || failures >= MAX_FAILURES) throw error
        await delay(retryMs * failures, undefined, { signal: options.signal })
      }
    }
  } finally {
    await file.close()
  }
}

/** The server has answered, and the answer will not change. */
class Refused extends Error {}

/** Fetches from byte `start` to the end. */
async function attempt(
  file: FileHandle,
  start: number,
  options: Omit<DownloadOptions, 'path' | 'retryMs'>,
): Promise<void> {
  const { url, signal, onProgress, stallMs = 30_000 } = options
  const stalled = new AbortController()
  const timer = setTimeout(() => stalled.abort(new Error(`nothing came for ${stallMs / 1000} s`)), stallMs)
  try {
    const response = await fetch(url, {
      // A tarball that is decoded on the way would not be the one that the registry describes.
      headers: { 'accept-encoding': 'identity', ...(start > 0 && { range: `bytes=${start}-` }) },
      signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
    })
    // Nothing is left to be had beyond what is here.
    if (response.status === 416) return await response.body?.cancel()
    const { from, total } = partOf(response, start)
    let at = from
    onProgress(at, total)
    for await (const chunk of response.body ?? []) {
      timer.refresh()
      await file.write(chunk, 0, chunk.length, at)
      at += chunk.length
      onProgress(at, total)
    }
    if (total !== undefined && at < total) throw new Error('the connection was cut')
  } finally {
    clearTimeout(timer)
  }
}

/** Which part of the file an answer carries. A server that knows no ranges sends all of it. */
function partOf(response: Response, start: number): { from: number; total: number | undefined } {
  if (response.status === 200) {
    const length = response.headers.get('content-length')
    return { from: 0, total: length === null ? undefined : Number(length) }
  }
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
  if (response.status === 206 && Number(from) === start) return { from: start, total: Number(total) }
  const told = `${new URL(response.url).host} answered ${response.status}`
  throw response.status >= 500 || response.status === 429 ? new Error(told) : new Refused(told)
}

/** @returns the sha512 of a file as Subresource Integrity writes it, one of the forms that npm registries give */
export async function integrityOf(path: string): Promise<string> {
  const hash = createHash('sha512')
  await pipeline(createReadStream(path), hash)
  return `sha512-${hash.digest('base64')}`
}
