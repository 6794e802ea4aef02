/** The bench itself, with a load too small to say anything about speed: does it measure what it says, and is it honest? */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { validating } from '../bench/devise-client.js'
import { verdictsOn } from '../bench/goals.js'
import type { Result } from '../bench/harness.js'
import { drive } from '../bench/load.js'
import { progressLine } from '../bench/progress.js'
import { quantile, quartiles } from '../bench/quartiles.js'
import { difference } from '../bench/redis.js'
import type { Report } from '../bench/report.js'
import type { Conversation, Goals } from '../bench/scenario.js'
import { readSettings } from '../bench/settings.js'
import { zipf } from '../bench/zipf.js'
import { compileBench } from './bench-compiled.js'

const root = fileURLToPath(new URL('../', import.meta.url))
const never = new AbortController().signal

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('quantiles interpolate', async (t) => {
  t.equal(quantile([1, 2, 3, 4], 0.5), 2.5)
  t.equal(quantile([7], 0.99), 7)
  t.strictSame(quartiles([5, 1, 4, 2, 3]), { q1: 2, median: 3, q3: 4 })
})

t.test('a log is told of what is shown first, and of times', async (t) => {
  const lines: string[] = []
  const line = progressLine({ write: (text: string) => lines.push(text) })
  line.show('a: starting', 0)
  line.show('a: round 1')
  line.clear()
  t.strictSame(lines, ['a: starting\n'])
})

t.test('goals, each with a verdict', async (t) => {
  const same = (median: number) => ({ q1: median, median, q3: median })
  const side = { bytes: 1, p50Ms: 1, p99Ms: 1, requestsPerSecond: 1 }
  const round = { service: { ...side, cpuMicros: 612 }, floor: { ...side, cpuMicros: 100 } }
  const redis = { cpuMicros: 0, reads: 0, bytesIn: 0, bytesOut: 0, calls: {} }
  const result = (name: string, ratio: number, goals: Goals, peer?: Result['peer']): Result => ({
    ...{ name, about: '', goals, ...(peer && { peer }), cpuRatio: same(ratio) },
    ...{ redisMicros: same(9), roundTrips: 1, rssBytes: 1, rounds: [{ ...round, redis }] },
  })
  const peer = { entry: '', stateful: true, onlyReads: true }
  const told = verdictsOn([
    result('verify', 1.5, { cpuRatio: 1.2, roundTrips: 0 }),
    result('rotate', 1.5, { cpuRatio: 1.5, redisMicros: 12 }),
    result('batch', 3, { beyondFloor: { parts: 256, part: 'token', micros: 2 } }),
    result('peer-a', 4.5, {}, peer),
    result('peer-b', 3.6, {}, { ...peer, onlyReads: false }),
    result('peer-c', 1.1, {}, { ...peer, stateful: false }),
  ])
  t.strictSame(
    told.map(({ goal, wanted, figure, met }) => `${goal}: ${wanted}, ${figure}, ${met}`),
    [
      'verify: CPU over the floor: ≤ 1.2, 1.50, false',
      'verify: round trips to Redis: ≤ 0, 1, false',
      'rotate: CPU over the floor: ≤ 1.5, 1.50, true',
      'rotate: CPU of Redis: ≤ 12 µs, 9.0 µs, true',
      'batch: CPU beyond the floor, a token: ≤ 2 µs, 2.00 µs, true',
      'verify: times cheaper than the cheapest stateful peer: ≥ 3, 2.40, false',
      'rotate: times cheaper than the cheapest peer that only reads: ≥ 2.5, 3.00, true',
    ],
  )
  t.strictSame(verdictsOn([result('peer-a', 4.5, {}, peer)]), [], 'nothing to compare with')
})

t.test('Zipf: the first is met as often as the second twice', async (t) => {
  const draw = (random: number) => zipf(4, () => random)() // 12, 6, 4 and 3 parts of 25
  t.strictSame([0, 0.47, 0.49, 0.71, 0.73, 0.87, 0.89, 0.999].map(draw), [0, 0, 1, 1, 2, 2, 3, 3])
})

t.test('arguments', async (t) => {
  t.match(readSettings([], ['a', 'b']), { only: [], rounds: 16, seconds: 1, connections: 64, save: false })
  t.match(readSettings(['--quick', '--only', 'a', '--only', 'b'], ['a', 'b']), {
    only: ['a', 'b'],
    rounds: 4,
  })
  t.match(readSettings(['--quick', '--rounds', '5', '--seconds', '0.5'], []), { rounds: 5, seconds: 0.5 })
  t.match(readSettings(['--help'], ['a']), { exitCode: 0, text: /--only NAME .* a$/m })
  for (const [args, words] of [
    [['--only', 'c'], 'there is no scenario "c"'],
    [['--rounds', '0'], '--rounds must be'],
    [['--rounds', '1.5'], '--rounds must be a whole number'],
    [['--seconds', 'two'], '--seconds must be'],
    [['--fast'], "Unknown option '--fast'"],
  ] as const)
    t.match(readSettings(args, ['a']), { exitCode: 2, text: words })
})

t.test('a reading of Redis does not count itself', async (t) => {
  const before = { cpuMicros: 10, reads: 5, bytesIn: 1, bytesOut: 2, calls: { info: 1, evalsha: 3, ping: 1 } }
  const after = { cpuMicros: 30, reads: 9, bytesIn: 3, bytesOut: 6, calls: { info: 2, evalsha: 6, ping: 1 } }
  t.strictSame(difference(before, after), {
    cpuMicros: 20,
    reads: 3,
    bytesIn: 2,
    bytesOut: 4,
    calls: { evalsha: 3 },
  })
})

t.test('each connection follows its own chain', async (t) => {
  const chains = new Map<string, number>()
  const url = await serve(t, (request, response) => {
    const [chain = '', n] = String(request.headers['x-token']).split('.')
    const isNext = Number(n) === (chains.get(chain) ?? 0)
    chains.set(chain, Number(n) + 1)
    response.writeHead(isNext ? 200 : 409, { 'x-token': `${chain}.${Number(n) + 1}` }).end('{}')
  })
  const following = (name: string): Conversation => {
    let token = `${name}.0`
    let request = { method: 'GET', path: '/', headers: { 'x-token': token } } as const
    return {
      get request() {
        return request
      },
      receive({ status, headers }) {
        if (status !== 200) return `${token} was not next`
        token = String(headers['x-token'])
        request = { ...request, headers: { 'x-token': token } }
        return undefined
      },
    }
  }
  const load = await drive(url, ['a', 'b', 'c'].map(following), 90, never)
  t.strictSame(Object.fromEntries(chains), { a: 30, b: 30, c: 30 })
  t.equal(load.requests, 90)
  t.ok(load.latenciesMs.every((ms, i) => ms > 0 && ms >= (load.latenciesMs[i - 1] ?? 0)))
  t.ok(load.durationMs > 0 && load.bytes > 90 * 80)
})

t.test('one wrong answer, and there is no figure', async (t) => {
  let answered = 0
  const url = await serve(t, (_request, response) =>
    response.writeHead(++answered === 7 ? 500 : 200).end('{}'),
  )
  const conversation: Conversation = {
    request: { method: 'GET', path: '/', headers: {} },
    receive: ({ status }) => (status === 200 ? undefined : `a ${status}`),
  }
  await t.rejects(drive(url, [conversation], 1000, never), new Error('a 500'))
  t.ok(answered < 1000, 'it stops there')

  const gone = await serve(t, (request) => request.socket.destroy())
  await t.rejects(drive(gone, [conversation], 100, never), new Error('0 answers to 100 requests'))
})

t.test('an abort ends the load', async (t) => {
  const url = await serve(t, (_request, response) => response.end('{}'))
  const conversation = {
    request: { method: 'GET', path: '/', headers: {} },
    receive: () => undefined,
  } as const
  const stopping = new AbortController()
  const loaded = drive(url, [conversation], 1_000_000, stopping.signal)
  stopping.abort(new Error('enough'))
  await t.rejects(loaded, new Error('enough'))
})

t.test('the devise client accepts what its rule says and nothing else', async (t) => {
  const tuple = { token: 'cst_one', client: 'handle', uid: 'a@b.c' }
  const body = JSON.stringify({ success: true, data: { uid: 'a@b.c' } })
  const answers = {
    rotates: { status: 200, headers: { 'access-token': 'cst_two' }, body },
    repeats: { status: 200, headers: { 'access-token': 'cst_one' }, body },
    none: { status: 200, headers: {}, body },
  } as const
  for (const rule of ['rotates', 'repeats', 'none'] as const)
    for (const [kind, answer] of Object.entries(answers))
      t.equal(validating(tuple, rule).receive(answer) === undefined, kind === rule, `${rule}: ${kind}`)

  const conversation = validating(tuple, 'rotates')
  t.equal(conversation.receive(answers.rotates), undefined)
  t.equal(conversation.request.headers['access-token'], 'cst_two')
  t.match(conversation.receive(answers.rotates), /should be "rotates", but is "repeats"/)
  const other = { ...answers.repeats, body: JSON.stringify({ data: { uid: 'x@y.z' } }) }
  t.match(validating(tuple, 'repeats').receive(other), /not the user/)
  t.match(validating(tuple, 'repeats').receive({ ...other, status: 503 }), /^503/)
})

t.test('npm run bench', { skip: process.platform !== 'linux' && 'looks at /proc' }, async (t) => {
  const compiled = await compileBench(t)

  /** All that it makes lies in `dir`. */
  async function startBench(t: Test, ...args: string[]): Promise<{ bench: ChildProcess; dir: string }> {
    const dir = await mkdtemp(join(tmpdir(), 'cs-bench-test-'))
    const main = join(compiled, 'bench/main.js')
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
    t.match(progress, /^verify \(1 of 3\): starting\n/)
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
