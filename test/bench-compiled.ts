/** The bench of this moment, compiled without a look at types. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../', import.meta.url))

/** @returns a folder with it, gone after the test; the service is the built one */
export async function compileBench(t: Test): Promise<string> {
  await run(process.execPath, ['scripts/build.mjs'], { cwd: root })
  await mkdir(join(root, '.cache'), { recursive: true })
  const dir = await mkdtemp(join(root, '.cache/bench-test-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const quickly = ['--noCheck', '--incremental', 'false', '--tsBuildInfoFile', 'null', '--outDir', dir]
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc, '-p', 'tsconfig.bench.json', ...quickly], { cwd: root })
  await cp(join(root, 'src/store/lua'), join(dir, 'src/store/lua'), { recursive: true })
  return dir
}
