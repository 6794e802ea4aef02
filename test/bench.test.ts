/** The bench itself, with a load too small to say anything about speed: does it measure what it says, and is it honest? */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Report } from '../bench/report.js'
import { inCheckout } from './support/checkout.js'

const root = inCheckout('')

t.test('npm run bench', { skip: process.platform !== 'linux' && 'looks at /proc' }, async (t) => {
  /** All that it makes lies in `dir`. */
  async function startBench(t: Test, ...args: string[]): Promise<{ bench: ChildProcess; dir: string }> {
    const dir = await mkdtemp(join(tmpdir(), 'cs-bench-test-'))
    const main = inCheckout('dist-test/bench/main.js')
    const inDir = args.map((arg) => arg.replace(/^DIR/, dir))
    const bench = spawn(process.execPath, [main, '--connections', '2', ...inDir], {
      cwd: root,
      env: { PATH: process.env.PATH, TMPDIR: dir },
    })
    t.teardown(async () => {
      bench.kill('SIGKILL')
      await rm(dir, { recursive: true, force: true })
    })
    return { bench, dir }
  }

  t.test('measures, prints a table and keeps the result', async (t) => {
    const names = ['verify', 'rotate', 'forged'] // one of each sort; the others differ in little
    const tiny = ['--rounds', '2', '--seconds', '0.1', '--warm-up', '100', '--sessions', '600']
    const { bench, dir } = await startBench(
      t,
      ...[...tiny, ...names.flatMap((name) => ['--only', name])],
      ...['--save', '--results', 'DIR/kept'],
    )
    const [printed, progress] = await Promise.all([
      text(out(bench.stdout)),
      text(out(bench.stderr)),
      once(bench, 'exit'),
    ])
    t.equal(bench.exitCode, 0, printed)
    t.match(progress, /^verify \(1 of 3\): pair 1 of 2, starting\n/)
    t.strictSame(await readdir(dir), ['kept'], 'nothing else is left behind')

    const [file = ''] = await readdir(join(dir, 'kept'))
    t.match(printed, `kept as ${join(dir, 'kept', file)}`)
    const report: Report = JSON.parse(await readFile(join(dir, 'kept', file), 'utf8'))
    t.equal(file, `${report.commit}.json`)
    t.match(report, {
      machine: /cores/,
      versions: { node: process.versions.node, redis: /^\d/, fastify: '5.12.8' },
    })
    t.match(report.settings, { rounds: 2, seconds: 0.1, connections: 2 })

    for (const { name, rounds, cpuRatio, ...result } of report.results) {
      const asksRedis = name === 'rotate'
      t.equal(result.roundTrips, asksRedis ? 1 : 0, `round trips of ${name}`)
      t.match(printed, new RegExp(`^${name} +${cpuRatio.median.toFixed(2)} `, 'm'), `a row for ${name}`)
      t.ok(cpuRatio.q1 > 0 && cpuRatio.q1 <= cpuRatio.median && cpuRatio.median <= cpuRatio.q3)
      t.equal(rounds.length, 2)
      for (const { service, floor, redis } of rounds) {
        t.ok(service.cpuMicros > 0 && floor.cpuMicros > 0 && service.p50Ms <= service.p99Ms)
        t.ok(Math.abs(service.bytes - floor.bytes) < 10, `${name}: the floor answers the same`)
        const { evalsha = 0 } = redis.calls
        t.ok(
          asksRedis ? evalsha > 0 && evalsha <= 1.5 : evalsha < 0.2,
          `${name}: ${evalsha} scripts a request`,
        )
      }
    }
    t.strictSame(
      report.results.map(({ name }) => name),
      names,
    )
  })

  for (const signal of ['SIGINT', 'SIGKILL'] as const)
    t.test(`${signal} in the middle leaves no process`, async (t) => {
      const { bench, dir } = await startBench(t, '--only', 'rotate', '--seconds', '600', '--warm-up', '10')
      const started = await until(async () => {
        if (bench.exitCode !== null)
          throw new Error(`it ended (${bench.exitCode}): ${await text(out(bench.stderr))}`)
        const children = await childrenOf(bench.pid ?? 0)
        return children.length >= 4 ? children : undefined // Redis, its watchdog, service, floor
      })
      const exited = once(bench, 'exit')
      const printed = text(out(bench.stdout))
      bench.kill(signal)
      await exited
      await until(async () => ((await Promise.all(started.map(isRunning))).some(Boolean) ? undefined : true))
      t.pass('they are gone')
      if (signal === 'SIGKILL') return
      t.equal(bench.exitCode, 1)
      t.equal(await printed, 'no result: stopped by SIGINT\n')
      t.strictSame(await readdir(dir), [], 'nothing is left behind')
    })
})

/** A child's pipe. */
const out = (stream: Readable | null): Readable => stream ?? Readable.from([])

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await delay(20)
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const pids = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return pids.trim().split(' ').map(Number)
}

/** One that has ended and waits for its parent to ask has no command line any more. */
async function isRunning(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) !== ''
}
