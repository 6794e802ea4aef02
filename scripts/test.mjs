/** `npm test`: prepares what is missing, runs tap with the arguments given, and ends with one plain line of counts. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, fetchRedis, install, installClients, requireNode } from './prepare.mjs'

requireNode()
install()
installClients()
build()
await fetchRedis()

const record = fileURLToPath(new URL('../.tap/last-run.tap', import.meta.url))
rmSync(record, { force: true })
const tap = fileURLToPath(new URL('../node_modules/.bin/tap', import.meta.url))
const { status } = spawnSync(tap, [...process.argv.slice(2), `--output-file=${record}`], { stdio: 'inherit' })
console.log(summary())
process.exitCode = status ?? 1

/** tap closes its record with `# { total: 8, pass: 5, fail: 1, todo: 1, skip: 1 }`; kinds that did not occur are left out. */
function summary() {
  let counts
  try {
    counts = [...readFileSync(record, 'utf8').matchAll(/^# (\{ total: .* \})$/gm)].at(-1)?.[1]
  } catch {
    // tap did not come as far as that
  }
  if (counts === undefined) return '0 passed, 1 failed'
  const of = (kind) => Number(new RegExp(`${kind}: (\\d+)`).exec(counts)?.[1] ?? 0)
  const skipped = of('skip') + of('todo')
  return `${of('pass')} passed, ${of('fail')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
