/**
 * `npm run bench:guard`: figures that do not depend on the machine, or hardly, compared with those that are kept in
 * `bench/guard.json`. It fails on a round trip, a hash or a line in the log that was not there before, not on noise.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { environmentOf } from '../environment.js'
import { type Bench, measure } from '../harness.js'
import { startBenchRedis } from '../redis.js'
import type { Run } from '../run.js'
import { accept, CPU_RATIO, describe, differences, type Figures } from './compare.js'
import { countCalls, measureSession } from './figures.js'
import { counted, timed } from './scenarios.js'

const SESSION = 'session'
const NAMES = [...counted.map(({ name }) => name), SESSION]
const HELP = `npm run bench:guard -- [options]

  --accept           keep what differs as it is now
  --only NAME        only this, may be repeated: ${NAMES.join(', ')}
  --counts           without CPU
  --service FILE     entry point of the service, default dist/server.js
  --kept FILE        default bench/guard.json
  --help`

/** Few and small, so that names and numbers have the same length each time. */
const SMALL = { connections: 4, sessions: 10 }
const SHORT = { connections: 64, sessions: 2_000, rounds: 5, pairs: 1, seconds: 0.4, warmUpRequests: 8_000 }

/** @returns the exit code: 0 when all is as kept, or accepted; 1 when not; 2 for wrong arguments */
export async function guard({ args, print, progressTo, signal }: Run): Promise<number> {
  const settings = read(args)
  if (typeof settings === 'string') {
    print(settings)
    return args.includes('--help') ? 0 : 2
  }
  const kept: Figures = JSON.parse(await readFile(settings.kept, 'utf8').catch(() => '{}'))
  const dir = await mkdtemp(join(tmpdir(), 'cs-guard-'))
  try {
    const now = await measureAll(settings, dir, (what) => progressTo.write(`${what}\n`), signal)
    const found = differences(kept, now)
    if (settings.accept) await writeFile(settings.kept, `${JSON.stringify(accept(kept, now), null, 2)}\n`)
    if (found.length > 0) print(describe(found))
    const told = Object.values(now).reduce((sum, figures) => sum + Object.keys(figures).length, 0)
    print(verdict(told, found.length, settings.accept))
    return found.length === 0 || settings.accept ? 0 : 1
  } catch (error) {
    print(`no result: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function verdict(told: number, differing: number, accepted: boolean): string {
  if (differing === 0) return `${told} figures are as they were kept.`
  if (accepted) return `${differing} of ${told} figures are kept as they are now.`
  return `${differing} of ${told} figures differ. If that is wanted: npm run bench:guard -- --accept`
}

interface Settings {
  readonly accept: boolean
  readonly only: readonly string[]
  readonly counts: boolean
  readonly service: string
  readonly kept: string
}

function read(args: readonly string[]): Settings | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        accept: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        counts: { type: 'boolean', default: false },
        service: { type: 'string', default: 'dist/server.js' },
        kept: { type: 'string', default: 'bench/guard.json' },
        help: { type: 'boolean', default: false },
      },
    })
    const unknown = values.only.find((name) => !NAMES.includes(name))
    if (unknown !== undefined) throw new Error(`there is nothing called "${unknown}"`)
    return values.help ? HELP : values
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`
  }
}

async function measureAll(
  { only, counts, service }: Settings,
  dir: string,
  progress: (what: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  const isWanted = (name: string) => only.length === 0 || only.includes(name)
  const redis = await startBenchRedis(dir, resolve('.cache/redis'))
  const masterKeys = generateMasterKeys()
  const environment = environmentOf(redis.url, masterKeys, dir)
  const bench: Bench = {
    ...SHORT,
    service,
    environment,
    dir,
    redis,
    masterKeys,
    progress: () => undefined,
    signal,
  }
  const figures: Record<string, Record<string, number>> = {}
  try {
    for (const scenario of counted.filter(({ name }) => isWanted(name))) {
      progress(scenario.name)
      await redis.clear()
      figures[scenario.name] = await countCalls(scenario, { ...bench, ...SMALL })
    }
    for (const scenario of timed.filter(({ name }) => !counts && isWanted(name))) {
      progress(`${scenario.name}: CPU`)
      const { cpuRatio } = await measure(scenario, bench)
      figures[`${scenario.name} under load`] = { [CPU_RATIO]: Number(cpuRatio.median.toFixed(2)) }
    }
    await redis.clear()
    if (isWanted(SESSION)) figures[SESSION] = await measureSession(bench)
    return figures
  } finally {
    await redis.stop()
  }
}
