/**
 * `npm test`: prepares what is missing, runs tap with the arguments given, and ends with what failed, if anything did
 * (the output is long, and a log often keeps only its end), and one plain line of counts.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, buildTests, fetchRedis, install, installClients, requireNode } from './prepare.mjs'

requireNode()
install()
installClients()
build()
buildTests()
await fetchRedis()

/** Tests are named as they are written, and run as they are compiled. */
const args = process.argv.slice(2).map((arg) => arg.replace(/^(?:\.\/)?(test\/.*)\.ts$/, 'dist-test/$1.js'))
const tap = fileURLToPath(new URL('../node_modules/.bin/tap', import.meta.url))
const { code, report } = process.stdout.isTTY ? await runInTerminal() : await runInPipe()
const failures = failuresIn(report)
if (failures.length > 0) console.log(`\nWhat failed:\n${failures.join('\n')}\n`)
console.log(countsIn(report))
process.exitCode = code ?? 1

/** tap draws on the terminal; what it would have printed goes to a file. */
async function runInTerminal() {
  const record = fileURLToPath(new URL('../.tap/last-run.tap', import.meta.url))
  rmSync(record, { force: true })
  const child = spawn(tap, [...args, `--output-file=${record}`], { stdio: 'inherit' })
  const [code] = await once(child, 'close')
  try {
    return { code, report: readFileSync(record, 'utf8') }
  } catch {
    return { code, report: '' }
  }
}

async function runInPipe() {
  const child = spawn(tap, args, { stdio: ['inherit', 'pipe', 'inherit'] })
  let report = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text)
    report += text
  })
  const [code] = await once(child, 'close')
  return { code, report }
}

/** Each assertion that failed, with its file and all that tap says of it; what is around it failed only because it did. */
function failuresIn(report) {
  const lines = report.split('\n')
  const failures = []
  let file = ''
  let depth = 0
  for (const [at, line] of lines.entries()) {
    file = /^# Subtest: (.*)/.exec(line)?.[1] ?? file
    const [, indent, verdict, about] = /^( *)(ok|not ok) (.*)/.exec(line) ?? []
    if (indent === undefined) continue
    const hasFailed = verdict === 'not ok' && !/# (?:TODO|SKIP)/.test(about)
    const isAround = indent.length < depth
    depth = hasFailed ? indent.length : Math.min(depth, indent.length)
    if (!hasFailed || isAround) continue
    const end = lines.indexOf(`${indent}  ...`, at)
    failures.push(`${file}\n${lines.slice(at, end === -1 ? at + 1 : end).join('\n')}`)
  }
  return failures
}

/** tap closes with `# { total: 8, pass: 5, fail: 1, todo: 1, skip: 1 }`; kinds that did not occur are left out. */
function countsIn(report) {
  const counts = [...report.matchAll(/^# (\{ total: .* \})$/gm)].at(-1)?.[1]
  if (counts === undefined) return '0 passed, 1 failed' // it did not come as far as that
  const of = (kind) => Number(new RegExp(`${kind}: (\\d+)`).exec(counts)?.[1] ?? 0)
  const skipped = of('skip') + of('todo')
  return `${of('pass')} passed, ${of('fail')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
