/** `npm run bench:figures [result.json]`: shows a kept result, the newest unless told, in `docs/` and README.md. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Report } from '../report.js'
import { describeSizing } from '../scale/sizing.js'
import { describeFigures, drawCharts, replaceBlock } from './figures.js'

const KEPT = 'bench/results'

async function readResult(path: string): Promise<Report> {
  return JSON.parse(await readFile(path, 'utf8'))
}

async function newest(): Promise<Report> {
  const files = (await readdir(KEPT).catch(() => [])).filter((name) => name.endsWith('.json'))
  const reports = await Promise.all(files.map((name) => readResult(join(KEPT, name))))
  const [last] = reports.sort((a, b) => b.date.localeCompare(a.date))
  if (last === undefined) throw new Error(`there is no result in ${KEPT}: npm run bench -- --save`)
  return last
}

const [path] = process.argv.slice(2)
const report = path === undefined ? await newest() : await readResult(path)
await mkdir('docs', { recursive: true })
for (const [name, svg] of Object.entries(drawCharts(report))) await writeFile(join('docs', name), svg)
const blocks = { 'README.md': describeFigures(report), 'docs/operations.md': describeSizing(report) }
for (const [path, block] of Object.entries(blocks))
  await writeFile(path, replaceBlock(await readFile(path, 'utf8'), block))
console.log(`README.md and docs/ show the result of ${report.commit}, ${report.date}.`)
