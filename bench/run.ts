/**
 * One run of the bench, in the folder of the checkout: a private Redis, every scenario and every other measurement in
 * turn, the tables. Everything that it starts ends with it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { generateMasterKeys } from '../src/token/master-keys.js'
import { environmentOf } from './environment.js'
import { verdictsOn } from './goals.js'
import { measure } from './harness.js'
import { withPeers } from './install-peers.js'
import type { Task } from './measurement.js'
import { measurements } from './measurements.js'
import { progressLine } from './progress.js'
import { startBenchRedis } from './redis.js'
import { describe, describeOrigin, type Found, type Report, save } from './report.js'
import { scenarios } from './scenarios.js'
import { readSettings, type Settings } from './settings.js'

export interface Run {
  args: readonly string[]
  print(text: string): void
  progressTo: { write(text: string): unknown; isTTY?: boolean }
  /** Ends it early. */
  signal: AbortSignal
}

/** @returns the exit code: 0 when everything was measured, whatever the verdicts; 1 when not; 2 for wrong arguments */
export async function bench(run: Run): Promise<number> {
  const settings = readSettings(
    run.args,
    [...scenarios, ...measurements].map(({ name }) => name),
  )
  if ('exitCode' in settings) {
    run.print(settings.text)
    return settings.exitCode
  }
  const dir = await mkdtemp(join(tmpdir(), 'cs-bench-'))
  try {
    const { report, failed } = await measureAll(settings, dir, run)
    if (report.results.length + report.found.length > 0) {
      run.print(describe(report))
      if (settings.save) run.print(`\nkept as ${await save(report, settings.results)}`)
    }
    if (failed > 0) run.print(`\n${failed} could not be measured`)
    return failed > 0 ? 1 : 0
  } catch (error) {
    run.print(`no result: ${reasonOf(error)}`)
    return 1
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What fails is said and left out: the others have taken their time. */
async function measureAll(
  settings: Settings,
  dir: string,
  run: Run,
): Promise<{ report: Report; failed: number }> {
  const { only, rounds, pairs, seconds, connections, sessions } = settings
  const isWanted = ({ name }: { name: string }) => only.length === 0 || only.includes(name)
  const chosen = await withPeers(scenarios.filter(isWanted), run.print)
  const others = measurements.filter(isWanted)
  const redis = await startBenchRedis(dir, resolve('.cache/redis'))
  const masterKeys = generateMasterKeys()
  const environment = environmentOf(redis.url, masterKeys, dir)
  const line = progressLine(run.progressTo)
  const total = chosen.length + others.length
  let done = 0
  let failed = 0

  async function each<T>(name: string, act: (task: Task) => Promise<T>): Promise<T[]> {
    run.signal.throwIfAborted()
    const share = done / total
    const title = `${name} (${++done} of ${total})`
    const progress = (what: string) => line.show(`${title}: ${what}`, share)
    try {
      await redis.clear()
      return [await act({ ...settings, dir, masterKeys, environment, redis, progress, signal: run.signal })]
    } catch (error) {
      run.signal.throwIfAborted()
      line.clear()
      run.print(`no result of ${name}: ${reasonOf(error)}`)
      failed += 1
      return []
    }
  }

  try {
    const results: Report['results'][number][] = []
    for (const scenario of chosen)
      results.push(...(await each(scenario.name, (bench) => measure(scenario, bench))))
    const found: Found[] = []
    for (const { name, about, measure } of others)
      for (const figures of await each(name, measure)) found.push({ name, about, ...figures })
    const verdicts = [...verdictsOn(results), ...found.flatMap(({ verdicts }) => verdicts)]
    const origin = await describeOrigin(redis.version)
    const report = {
      ...origin,
      settings: { rounds, pairs, seconds, connections, sessions },
      verdicts,
      results,
      found,
    }
    return { report, failed }
  } finally {
    line.clear()
    await redis.stop()
  }
}
