/** Writes what is made from the configuration's schema: the table in README.md and `.env.example`. Run by `npm run docs`. */
import { readFile, writeFile } from 'node:fs/promises'
import { configurationTable, envExample, TABLE_BEGIN, TABLE_END } from '../dist/config/document.js'

const root = new URL('../', import.meta.url)
const readme = await readFile(new URL('README.md', root), 'utf8')
const [before, rest] = readme.split(TABLE_BEGIN)
const after = rest?.split(TABLE_END)[1]
if (after === undefined) throw new Error(`README.md lacks ${TABLE_BEGIN} … ${TABLE_END}`)
await writeFile(
  new URL('README.md', root),
  `${before}${TABLE_BEGIN}\n${configurationTable()}\n${TABLE_END}${after}`,
)
await writeFile(new URL('.env.example', root), envExample())
