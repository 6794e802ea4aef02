/** A gateway before a service and an application, as its example shows it; all of them end with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { inCheckout } from '../support/checkout.js'
import { startService } from '../support/service.js'
import { startApplication } from './application.js'
import { findProgram, type Program } from './program.js'
import { openUsers } from './users.js'
import { openWire } from './wire.js'
import { askPort, env, type World } from './world.js'

export interface Gateway {
  program: Program
  /** Below `/gateway`: where it asks. */
  family: string
  /** The files of its example, the one that it is started with first. */
  example: readonly [string, ...string[]]
  /** Changes to the first file that a private copy without an installation needs. */
  adapt?(text: string, dir: string): string
  /** Its arguments; the first file of the example lies at `file`. */
  args(file: string): string[]
}

const START_MS = 10_000
const STARTS = 5

/** @returns undefined, having skipped the test, where the program cannot be had; in CI that is a failure */
export async function openWorld(t: Test, gateway: Gateway): Promise<World | undefined> {
  const name = basename(gateway.program.program)
  let path: string
  try {
    path = await findProgram(gateway.program)
  } catch (error) {
    if (process.env.CI) throw error
    const reason = error instanceof Error ? error.message.split('\n')[0] : error
    t.pass(`${name} cannot be had here`, { skip: `${name} cannot be had here: ${reason}` })
    return undefined
  }
  const service = await startService(t, { env })
  const users = await openUsers(service)
  const application = await startApplication(t)
  const wire = await openWire(t, service.port)
  const port = await start(t, path, gateway, wire.port, application.port)
  return {
    service,
    users,
    wire,
    application,
    question: () => `GET /gateway/${gateway.family}/- HTTP/1.1`,
    ask: (request) => askPort(port, request),
  }
}

/** The ports that the examples name: of the gateway, of the service, of the application, and of HAProxy for itself. */
const WELL_KNOWN = /:(8080|7171|3000|7170)\b/g

/** @returns the port of the gateway */
async function start(
  t: Test,
  path: string,
  { example, adapt = (text) => text, args }: Gateway,
  service: number,
  application: number,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const dir = t.testdir()
    const port = await freePort()
    const ports = new Map([
      ['8080', port],
      ['7171', service],
      ['3000', application],
      ['7170', await freePort()],
    ])
    for (const [index, file] of example.entries()) {
      const shown = await readFile(inCheckout(`examples/${file}`), 'utf8')
      const text = shown.replaceAll(WELL_KNOWN, (_, wellKnown: string) => `:${ports.get(wellKnown)}`)
      await writeFile(join(dir, basename(file)), index === 0 ? adapt(text, dir) : text)
    }
    const child = spawn(path, args(join(dir, basename(example[0]))), {
      cwd: dir,
      env: { HOME: dir, PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const lastWords = listen(child)
    endWith(t, child)
    if (await accepts(port, child)) return port
    if (attempt === STARTS) throw new Error(`${path} does not start:\n${lastWords()}`)
  }
}

/** Whatever becomes of us, short of SIGKILL. */
function endWith(t: Test, child: ChildProcess): void {
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    kill()
    await ended
  })
}

function listen(child: ChildProcess): () => string {
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000)
    })
  return () => said
}

/** @returns whether the gateway takes connections; false once it has ended */
async function accepts(port: number, child: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + START_MS
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const socket = connect(port, '127.0.0.1')
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (connected) return true
    await delay(20)
  }
  return false
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  server.close()
  await once(server, 'close')
  return port
}
