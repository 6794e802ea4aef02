/** A server under measurement: a child process that says where it listens and what CPU it has used, and ends with us. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { FloorAnswer } from './floor.js'
import type { Counts } from './guard/counting.js'
import type { Usage } from './meter.js'

const READY_WITHIN_MS = 20_000
const STOP_WITHIN_MS = 5_000

export interface Subject {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  usage(): Promise<Usage>
  /** What was called so far, when it was started `counting`. */
  counts(): Promise<Counts>
  stop(): Promise<void>
}

/** `./name` beside this file, compiled or not. */
const beside = (name: string): URL => new URL(`./${name}${extname(import.meta.url)}`, import.meta.url)

/**
 * @param entry the entry point of the service or of a peer; it listens on a loopback port and prints the address
 * @param counting whether it also counts what it calls, which costs time
 */
export async function startService(
  entry: string,
  environment: Readonly<Record<string, string>>,
  counting = false,
): Promise<Subject> {
  const preloads = counting ? ['meter', 'guard/counting'] : ['meter']
  return listening(entry, launch(entry, environment, { preloads }))
}

export async function startFloor(answer: FloorAnswer): Promise<Subject> {
  return listening('the floor', launch(fileURLToPath(beside('floor')), {}, { input: JSON.stringify(answer) }))
}

/** Runs `./name` to its end. @returns what it printed. @throws Error when it failed */
export async function runProgram(name: string, input: string, signal: AbortSignal): Promise<string> {
  const child = launch(fileURLToPath(beside(name)), {}, { input })
  const end = () => stop(child)
  signal.addEventListener('abort', end)
  try {
    const [printed, complaints, [exitCode]] = await Promise.all([
      text(child.stdout as Readable), // pipes, by `stdio`
      text(child.stderr as Readable),
      once(child, 'exit'),
    ])
    signal.throwIfAborted()
    if (exitCode !== 0) throw new Error(`${name} ended (${exitCode}):\n${complaints}`)
    return printed
  } finally {
    signal.removeEventListener('abort', end)
  }
}

/** Not in our process group: Ctrl-C in a terminal reaches us alone, and we end them in order. */
function launch(
  entry: string,
  environment: Readonly<Record<string, string>>,
  { input, preloads = ['meter'] }: { input?: string; preloads?: readonly string[] },
): ChildProcess {
  const child = fork(entry, [], {
    execArgv: [...process.execArgv, ...preloads.flatMap((name) => ['--import', beside(name).href])],
    env: { PATH: process.env.PATH, NODE_OPTIONS: process.env.NODE_OPTIONS, ...environment },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'ipc'],
    detached: true,
  })
  child.stdin?.end(input)
  return child
}

async function listening(name: string, child: ChildProcess): Promise<Subject> {
  const lastLines: string[] = []
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`${name} ${what}:\n${lastLines.join('\n')}`))
    const deadline = setTimeout(fail, READY_WITHIN_MS, 'does not listen')
    for (const stream of [child.stdout as Readable, child.stderr as Readable]) // pipes, by `stdio`
      createInterface(stream).on('line', (line) => {
        lastLines.push(line)
        if (lastLines.length > 20) lastLines.shift()
        // Said when everything is ready, unlike what is logged of the port.
        const address = /^(?:Countersign listens on )?(http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1]
        if (address === undefined) return
        clearTimeout(deadline)
        resolve(address)
      })
    child.once('error', reject)
    child.once('exit', (code, signal) => fail(`ended (${signal ?? code})`))
  }).catch(async (error) => {
    await stop(child)
    throw error
  })
  async function tell<Told>(question: 'usage' | 'counts'): Promise<Told> {
    child.send(question)
    const [told] = (await once(child, 'message')) as [Told] // by what is preloaded
    return told
  }
  return {
    url,
    usage: () => tell<Usage>('usage'),
    counts: () => tell<Counts>('counts'),
    stop: () => stop(child),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  child.kill('SIGINT') // unlike SIGTERM, it does not wait for a gateway to look elsewhere
  await once(child, 'exit')
  clearTimeout(deadline)
}
