/**
 * The npm registry, asked through npm itself: so mirrors, proxies, certificates and credentials are those of the user's
 * own npm configuration.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** One version of a package, as the registry describes it. */
export interface Release {
  name: string
  version: string
  /** Subresource Integrity; contains a sha512. */
  integrity: string
  tarball: string
}

export interface NpmOptions {
  /** Instead of the one that npm is configured for. */
  registry?: string | undefined
  signal?: AbortSignal | undefined
}

const run = promisify(execFile)

/** @throws Error with a sentence for the user: no npm, no network, no such package */
export async function latestRelease(name: string, options: NpmOptions): Promise<Release> {
  const answer = await npm(['view', `${name}@latest`, 'version', 'dist', '--fetch-retries=1'], options)
  const { version, dist } = (answer ?? {}) as { version?: unknown; dist?: Record<string, unknown> }
  const { integrity, tarball } = dist ?? {}
  if (typeof version !== 'string' || typeof integrity !== 'string' || typeof tarball !== 'string')
    throw new Error(`the registry's description of ${name} is not understood`)
  if (!/^[\w.+-]+$/.test(version)) throw new Error(`the registry gives ${name} a version that is none`)
  return { name, version, integrity, tarball }
}

/**
 * Downloads by `npm pack`: without progress and always from the start, but also where only npm gets through.
 *
 * @returns the path of the tarball, inside `dir`
 */
export async function packRelease(
  { name, version }: Release,
  dir: string,
  options: NpmOptions,
): Promise<string> {
  const answer = await npm(
    ['pack', `${name}@${version}`, '--pack-destination', dir, '--ignore-scripts'],
    options,
  )
  const filename: unknown = Array.isArray(answer) ? answer[0]?.filename : undefined
  if (typeof filename !== 'string') throw new Error('npm pack has not said what it made')
  return join(dir, filename)
}

/** @returns what npm prints as JSON */
async function npm(args: readonly string[], { registry, signal }: NpmOptions): Promise<unknown> {
  const all = [...args, '--json', '--no-update-notifier', '--fetch-retry-mintimeout=1000']
  if (registry !== undefined) all.push(`--registry=${registry}`)
  try {
    const { stdout } = await run('npm', all, { signal })
    return JSON.parse(stdout)
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Error(problem(error), { cause: error })
  }
}

/** npm prints its own errors as JSON too. */
function problem(error: unknown): string {
  const { code, stdout } = error as { code?: unknown; stdout?: unknown }
  if (code === 'ENOENT') return 'npm is needed, and it is not on the PATH'
  if (typeof stdout !== 'string') return String(error)
  const [, reason] = /"summary":\s*"((?:[^"\\]|\\.)*)"/.exec(stdout) ?? []
  return reason === undefined ? 'npm failed' : `npm: ${JSON.parse(`"${reason}"`)}`
}
