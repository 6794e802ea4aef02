/**
 * Who runs the server of a folder: the note `owner` that `redis-process.ts` leaves there, checked against what really
 * runs. The lock keeps a second server out; this tells a service that is alive (the start is refused, naming it) from a
 * server that one left behind (it is ended).
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const END_WITHIN_MS = 15_000

/**
 * Ends a server that runs on `dir` although its service is gone. Pids are used again, so the noted one counts only if
 * its command line names the folder; and its service lives only if it is still its parent.
 *
 * @throws Error when its service is alive
 */
export async function endOrphan(dir: string): Promise<void> {
  const note = await readFile(join(dir, 'owner'), 'utf8').catch(() => '')
  const [pid = 0, owner = 0] = note.split(' ').map(Number)
  const isOurs = async (): Promise<Running | undefined> => {
    const running = pid > 0 ? await inspect(pid) : undefined
    return running?.command.includes(dir) ? running : undefined
  }
  const found = await isOurs()
  if (found?.parent === owner) throw new Error(inUse(dir, `process ${owner}`))
  for (let waitedMs = 0; await isOurs(); waitedMs += 50) {
    if (waitedMs === 0) for (const signal of ['SIGTERM', 'SIGCONT'] as const) process.kill(pid, signal)
    if (waitedMs === END_WITHIN_MS) process.kill(pid, 'SIGKILL')
    await delay(50)
  }
}

/** @returns the sentence for whoever starts a second service on `dir` */
export function inUse(dir: string, by: string): string {
  return `${dir} is in use by another Countersign (${by}). Stop that one, or give this one a COUNTERSIGN_DATA_DIR of its own.`
}

interface Running {
  parent: number
  command: string
}

/** Looks at a process: in `/proc` where there is one, otherwise with `ps`. */
async function inspect(pid: number): Promise<Running | undefined> {
  try {
    if (process.platform === 'linux') {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8') // pid (name) state ppid …
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8')
      return { parent: Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]), command }
    }
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'ppid=,command=', '-p', String(pid)])
    return { parent: Number.parseInt(stdout, 10), command: stdout }
  } catch {
    return undefined
  }
}
