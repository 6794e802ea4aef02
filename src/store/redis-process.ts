/**
 * One life of a private `redis-server` child on a unix socket.
 *
 * Two things must hold whatever happens to us, and neither can rest on code of ours running at that moment:
 *
 * - *Never two servers on one folder.* The child takes a kernel lock (`flock`) on a file in its folder before it becomes
 *   the server, and holds it exactly as long as it lives.
 * - *It does not outlive us.* A second child, the watchdog, reads from a pipe that only we hold open. When we are gone,
 *   however that came, it reads the end of file and ends the server. A line on that pipe dismisses it.
 *
 * Both are in sessions of their own: Ctrl-C in a terminal reaches us alone, and we decide the order of leaving.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** sysexits.h EX_TEMPFAIL; Redis itself exits with 0 or 1. */
const LOCKED = 75

/**
 * Under the lock, the child notes its pid, which stays the server's, and ours for `redis-orphan.ts`. Where there is no
 * `flock` command (macOS), only that note stands against a second server.
 */
const LAUNCH = `
if command -v flock >/dev/null; then exec 9>lock; flock -n 9 || exit ${LOCKED}; fi
echo "$$ $PPID" >owner
exec "$0" "$@"`

/** All that the child gets of an environment: ours may hold the master keys. */
const TOOLS = '/usr/local/bin:/usr/bin:/bin'

/** A stopped (SIGSTOP) server takes the signal only once it goes on. */
const WATCH = 'read -r _ && exit; kill -TERM "$0"; kill -CONT "$0"'

/** Redis flushes its append-only file first; when it still runs after this, it cannot (a full disk), and is killed. */
const STOP_WITHIN_MS = 15_000

export interface RedisProcess {
  readonly pid: number
  /** Resolves with the last lines that it printed, once it has ended for whatever reason. Never rejects. */
  readonly ended: Promise<string>
  /** Ends it in order (SIGTERM), and waits until it is gone. */
  stop(): Promise<void>
}

/** The folder's lock is held by another server. */
export class FolderInUse extends Error {}

/**
 * Starts `binary` in the folder `dir` and waits until it accepts commands.
 *
 * @param args `redis-server` arguments; `--port`, `--unixsocket` and what else it needs are the caller's
 * @param ready what it prints once it does
 * @throws FolderInUse, or Error with the server's last words when it ends before it is ready
 */
export async function launchRedis(
  binary: string,
  dir: string,
  args: readonly string[],
  ready = /ready to accept connections/i,
): Promise<RedisProcess> {
  const child = spawn('/bin/sh', ['-c', LAUNCH, binary, ...args], {
    cwd: dir,
    env: { PATH: TOOLS },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await once(child, 'spawn')
  const pid = child.pid as number // set by 'spawn'
  const dismissWatchdog = watch(pid)
  const lastLines: string[] = []
  const ended = once(child, 'exit').then(() => {
    dismissWatchdog()
    return lastLines.join('\n')
  })
  await new Promise<void>((resolve, reject) => {
    const listen = (line: string): void => {
      lastLines.push(line)
      if (lastLines.length > 20) lastLines.shift()
      if (ready.test(line)) resolve()
    }
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', listen)
    child.once('close', (code) => {
      const said = lastLines.join('\n')
      reject(
        code === LOCKED ? new FolderInUse(dir) : new Error(`redis-server ended with code ${code}:\n${said}`),
      )
    })
  })
  return { pid, ended, stop: () => stop(child, ended) }
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  child.kill('SIGCONT')
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  await ended
  clearTimeout(deadline)
}

/** @returns a function that calls the watchdog off */
function watch(pid: number): () => void {
  const watchdog = spawn('/bin/sh', ['-c', WATCH, String(pid)], {
    env: {},
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watchdog.stdin.on('error', () => {}) // somebody ended it before us
  return () => watchdog.stdin.end('\n')
}
