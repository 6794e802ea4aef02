/** The built service as a process of its own, configured by nothing but what a test says; ended with the test. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { inCheckout } from './checkout.js'
import { until } from './redis-groups.js'

/** The built service, as it ships; built now if `src` is newer. */
export const entry = inCheckout('dist/server.js')
execFileSync(process.execPath, [inCheckout('scripts/build.mjs')])

export interface Server {
  child: ChildProcess
  /** All that it has printed so far, on both streams. */
  output(): string
  base: string
  /** Resolves with the exit code. */
  exited: Promise<number | null>
}

/** Ours, but nothing of it that configures the service. */
export const surroundings = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(HOST|PORT|REDIS_URL|LOG_LEVEL|COUNTERSIGN_.*)$/.test(name),
  ),
)

/** Starts the process, configured by `env` alone; `flags` go to Node. */
export function launch(t: Test, env: Record<string, string>, flags: string[] = []): Omit<Server, 'base'> {
  const child = spawn(process.execPath, [...flags, entry], {
    // Locations are elsewhere, so that no first start fetches 64 MB.
    env: { ...surroundings, PORT: '0', COUNTERSIGN_GEO_DB: join(tmpdir(), 'no-geo'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  const exited = once(child, 'close').then(([code]) => code)
  t.teardown(() => child.kill('SIGKILL'))
  return { child, output: () => output, exited }
}

/** Waits until it has said where it listens. @throws Error with its output when it does not come so far */
export async function start(t: Test, env: Record<string, string>, flags: string[] = []): Promise<Server> {
  const server = launch(t, env, flags)
  let ended = false
  server.exited.then(() => {
    ended = true
  })
  const settled = (): boolean => ended || server.output().includes('/auth/sign_out')
  await until('it has started', settled, 45_000).catch(() => {})
  if (ended || !settled()) throw new Error(`it has ${ended ? 'ended' : 'not started'}: ${server.output()}`)
  const base = /listens on (http:\S+)/.exec(server.output())?.[1] ?? ''
  return { ...server, base }
}

/** @returns the pid of the embedded Redis that runs in `dataDir` */
export const redisOf = (dataDir: string): number =>
  Number(readFileSync(join(dataDir, 'redis/owner'), 'utf8').split(' ')[0])

/** A zombie, ended but not yet collected by its parent, does not run. */
export function runs(pid: number): boolean {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

export function passwordOf(output: string): string {
  return /shown this once: (\S+)/.exec(output)?.[1] ?? ''
}

export async function signIn(base: string, password: string): Promise<Response> {
  return fetch(`${base}/auth/sign_in`, {
    method: 'POST',
    body: new URLSearchParams({ uid: 'admin', password }),
  })
}

/** The three headers that authenticate a request, from an answer that had them. */
export function credentialsOf({ headers }: Response): Record<string, string> {
  return Object.fromEntries(['access-token', 'client', 'uid'].map((name) => [name, headers.get(name) ?? '']))
}
