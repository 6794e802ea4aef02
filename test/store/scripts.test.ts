/** Holds the contract at the top of each session script, the table in `scripts.ts` and the code to one another. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { assemble, readPart, sessionScripts } from '../../src/store/scripts.js'
import { inCheckout } from '../support/checkout.js'
import { startRedis } from '../support/redis.js'

const LONGEST = 100
const replyTypes = ['scripts', 'record', 'present-reply']
  .map((file) => readFileSync(inCheckout(`src/store/${file}.ts`), 'utf8'))
  .join('\n')

const quoted = (text: string): Set<string> =>
  new Set([...text.matchAll(/'([a-z-]+)'/g)].map(([, word = '']) => word))
const numbered = (text: string, what: string): number[] =>
  [...text.matchAll(new RegExp(`${what}\\[(\\d+)\\]`, 'g'))].map(([, n]) => Number(n)).sort((a, b) => a - b)

/** The contract's parts by their first words; a line that begins with more space goes on the part before it. */
function contractOf(script: string): { sentence: string; parts: Map<string, string>; code: string } {
  const lines = script.split('\n').filter((line) => !line.startsWith('#!'))
  const end = lines.findIndex((line) => !line.startsWith('--'))
  const [sentence = '', ...rest] = lines.slice(0, end).map((line) => line.replace(/^-- ?/, ''))
  const parts = new Map<string, string>()
  let current = ''
  for (const line of rest) {
    const [, name] = /^(KEYS\[\w+\]|ARGV\[[\w.]+\]|Returns|Invariant:)/.exec(line) ?? []
    if (name !== undefined) current = name
    parts.set(current, `${parts.get(current) ?? ''}${line.replace(name ?? '', '')}\n`)
  }
  return { sentence, parts, code: lines.slice(end).join('\n') }
}

const own = [...new Map(sessionScripts.map((script) => [script.parts.at(-1) ?? '', script]))]

for (const [file, script] of own)
  t.test(`${file}.lua keeps its contract`, async (t) => {
    const { sentence, parts, code } = contractOf(readPart(file))
    t.match(sentence, /^[A-Z].*[.]$/, 'opens with a sentence')
    t.ok(parts.has('Returns') && parts.has('Invariant:'), 'says what it returns and what it protects')

    const names = [...parts.keys()]
    const keys = names.filter((name) => name.startsWith('KEYS'))
    for (const key of keys) t.match(parts.get(key), /cs:[a-z]+:\{tag\}|cs:\{tag\}/, `${key} has a shape`)
    if (script.numberOfKeys === undefined) t.strictSame(keys, ['KEYS[i]'])
    else {
      t.strictSame(
        keys,
        Array.from({ length: script.numberOfKeys }, (_, i) => `KEYS[${i + 1}]`),
      )
      t.strictSame([...new Set(numbered(code, 'KEYS'))].length, script.numberOfKeys, 'uses each')
    }

    const single = names
      .filter((name) => /^ARGV\[\d+\]$/.test(name))
      .map((name) => numbered(name, 'ARGV')[0] ?? 0)
    const ranges = names.flatMap((name) => {
      const [, from, to = ''] = /^ARGV\[(\d+)\.\.(\d*)\]$/.exec(name) ?? []
      return from === undefined
        ? []
        : [{ from: Number(from), to: to === '' ? Number.POSITIVE_INFINITY : Number(to) }]
    })
    const documented = (n: number) =>
      single.includes(n) || ranges.some(({ from, to }) => n >= from && n <= to)
    t.ok(numbered(code, 'ARGV').every(documented), 'reads no argument that it does not name')
    t.ok(
      single.every((n) => numbered(code, 'ARGV').includes(n)),
      'names no argument that it does not read',
    )

    const returned = [...code.matchAll(/return (?:\{ )?'([a-z-]+)'/g)].map(([, word = '']) => word)
    const promised = quoted(parts.get('Returns') ?? '')
    for (const word of returned) t.ok(promised.has(word), `promises '${word}'`)
    for (const word of promised) {
      t.ok(replyTypes.includes(`'${word}'`), `'${word}' has a type`)
      t.ok(assemble(script).split("'").includes(word), `'${word}' is said by the code`)
    }
  })

t.test('every file is short, and says in its first line what it is', async (t) => {
  for (const part of new Set(sessionScripts.flatMap(({ parts }) => parts))) {
    const lines = readPart(part).trimEnd().split('\n')
    t.ok(lines.length <= LONGEST, `${part}.lua has ${lines.length} lines`)
    t.match(
      lines.find((line) => !line.startsWith('#!')),
      /^-- [A-Z]/,
    )
  }
})

t.test('a shebang comes first, and once', async (t) => {
  for (const script of sessionScripts) {
    const lua = assemble(script)
    const shebangs = lua.split('\n').flatMap((line, i) => (line.startsWith('#!') ? [i] : []))
    t.ok(shebangs.length === 0 || (shebangs.length === 1 && shebangs[0] === 0), script.command)
  }
})

t.test('Redis compiles them all', async (t) => {
  const { client } = await startRedis(t)
  for (const script of sessionScripts) t.match(await client.script('LOAD', assemble(script)), /^[\da-f]{40}$/)
})
