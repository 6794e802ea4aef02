/** `npm test`: prepares what is missing, runs tap with the arguments given, and ends with one plain line of counts. */
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
const { code, tail } = process.stdout.isTTY ? await runInTerminal() : await runInPipe()
console.log(countsIn(tail))
process.exitCode = code ?? 1

/** tap draws on the terminal; what it would have printed goes to a file. */
async function runInTerminal() {
  const record = fileURLToPath(new URL('../.tap/last-run.tap', import.meta.url))
  rmSync(record, { force: true })
  const child = spawn(tap, [...args, `--output-file=${record}`], { stdio: 'inherit' })
  const [code] = await once(child, 'close')
  try {
    return { code, tail: readFileSync(record, 'utf8') }
  } catch {
    return { code, tail: '' }
  }
}

async function runInPipe() {
  const child = spawn(tap, args, { stdio: ['inherit', 'pipe', 'inherit'] })
  let tail = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text)
    tail = (tail + text).slice(-10_000)
  })
  const [code] = await once(child, 'close')
  return { code, tail }
}

/** tap closes with `# { total: 8, pass: 5, fail: 1, todo: 1, skip: 1 }`; kinds that did not occur are left out. */
function countsIn(tail) {
  const counts = [...tail.matchAll(/^# (\{ total: .* \})$/gm)].at(-1)?.[1]
  if (counts === undefined) return '0 passed, 1 failed' // it did not come as far as that
  const of = (kind) => Number(new RegExp(`${kind}: (\\d+)`).exec(counts)?.[1] ?? 0)
  const skipped = of('skip') + of('todo')
  return `${of('pass')} passed, ${of('fail')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
