/**
 * One run of the bench, in the folder of the checkout: a private Redis, every scenario in turn, the table. Everything
 * that it starts ends with it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { generateMasterKeys } from '../src/token/master-keys.js'
import { measure, type Result } from './harness.js'
import { withPeers } from './install-peers.js'
import { crowd, describeMemory, measureMemory } from './memory.js'
import { progressLine } from './progress.js'
import { startBenchRedis } from './redis.js'
import { describe, describeOrigin, type Report, save } from './report.js'
import type { Scenario } from './scenario.js'
import { batch } from './scenarios/batch.js'
import { forged } from './scenarios/forged.js'
import { introspection } from './scenarios/introspection.js'
import { jwts } from './scenarios/jwt.js'
import { lists } from './scenarios/list.js'
import { locatedRotate, locatedVerify } from './scenarios/located.js'
import { mixed } from './scenarios/mixed.js'
import { peers } from './scenarios/peers.js'
import { rotate } from './scenarios/rotate.js'
import { signIn } from './scenarios/sign-in.js'
import { validate } from './scenarios/validate.js'
import { forwardAuths, tokenVerify, verify } from './scenarios/verify.js'
import { verifyMiss } from './scenarios/verify-miss.js'
import { readSettings, type Settings } from './settings.js'

const scenarios: readonly Scenario[] = [
  rotate,
  verifyMiss,
  validate,
  verify,
  ...forwardAuths,
  tokenVerify,
  forged,
  ...jwts,
  introspection,
  batch,
  ...lists,
  signIn,
  mixed,
  locatedVerify,
  locatedRotate,
  ...peers,
]

const MEMORY = 'memory'

export interface Run {
  args: readonly string[]
  print(text: string): void
  progressTo: { write(text: string): unknown; isTTY?: boolean }
  /** Ends it early. */
  signal: AbortSignal
}

/** @returns the exit code: 0 when everything was measured, whatever the verdicts; 1 when not; 2 for wrong arguments */
export async function bench(run: Run): Promise<number> {
  const settings = readSettings(run.args, [...scenarios.map(({ name }) => name), MEMORY])
  if ('exitCode' in settings) {
    run.print(settings.text)
    return settings.exitCode
  }
  const dir = await mkdtemp(join(tmpdir(), 'cs-bench-'))
  try {
    if (settings.only.includes(MEMORY)) {
      run.print(await memory(dir, run))
      if (settings.only.length === 1) return 0
    }
    const report = await measureAll(settings, dir, run)
    run.print(describe(report, scenarios))
    if (settings.save) run.print(`\nkept as ${await save(report, settings.results)}`)
    return 0
  } catch (error) {
    run.print(`no result: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Only when it is asked for: it says nothing about speed. */
async function memory(dir: string, run: Run): Promise<string> {
  const line = progressLine(run.progressTo)
  const redis = await startBenchRedis(dir, resolve('.cache/redis'))
  const stop = () => redis.stop()
  run.signal.addEventListener('abort', stop)
  try {
    const measured = await measureMemory(redis.url, crowd, (what) => line.show(`${MEMORY}: ${what}`))
    return describeMemory(measured, crowd)
  } finally {
    run.signal.removeEventListener('abort', stop)
    line.clear()
    await redis.stop()
  }
}

async function measureAll(settings: Settings, dir: string, run: Run): Promise<Report> {
  const { only, rounds, seconds, connections } = settings
  const wanted = scenarios.filter(({ name }) => only.length === 0 || only.includes(name))
  const chosen = await withPeers(wanted, run.print)
  const line = progressLine(run.progressTo)
  const redis = await startBenchRedis(dir, resolve('.cache/redis'))
  const masterKeys = generateMasterKeys()
  const environment = {
    HOST: '127.0.0.1',
    PORT: '0',
    REDIS_URL: redis.url,
    COUNTERSIGN_KEYS: masterKeys,
    COUNTERSIGN_DATA_DIR: join(dir, 'data'),
    COUNTERSIGN_SIGN_UP: 'open',
  }
  try {
    const results: Result[] = []
    for (const [index, scenario] of chosen.entries()) {
      const title = `${scenario.name} (${index + 1} of ${chosen.length})`
      const progress = (what: string) => line.show(`${title}: ${what}`, index / chosen.length)
      const { signal } = run
      results.push(
        await measure(scenario, { ...settings, dir, masterKeys, environment, redis, progress, signal }),
      )
    }
    const origin = await describeOrigin(redis.version)
    return { ...origin, settings: { rounds, seconds, connections }, results }
  } finally {
    line.clear()
    await redis.stop()
  }
}
