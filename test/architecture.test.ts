import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { findOffences } from './support/architecture.js'
import { inCheckout } from './support/checkout.js'
import type { SourceFile } from './support/source-file.js'

const src = inCheckout('src/')

async function readSources(): Promise<SourceFile[]> {
  const entries = await readdir(src, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(src.length))
  return Promise.all(
    paths.sort().map(async (path) => ({ path, text: await readFile(join(src, path), 'utf8') })),
  )
}

t.test('the source keeps the rules', async (t) => {
  const files = await readSources()
  t.ok(files.some(({ path }) => path === 'app.ts') && files.some(({ path }) => path.endsWith('.lua')))
  const offences = findOffences(files)
  for (const offence of offences) t.fail(offence)
  t.equal(offences.length, 0)
})

t.test('the rules catch what breaks them', async (t) => {
  const broken: [what: string, files: Record<string, string>, offences: string[]][] = [
    [
      'an import upward',
      { 'sessions/a.ts': "\nimport { b } from '../http/b.js'", 'http/b.ts': '' },
      ['src/sessions/a.ts:2 imports ../http/b.js: sessions is below http'],
    ],
    [
      'a type upward',
      { 'store/a.ts': "import type { C } from '../config.js'", 'config.ts': '' },
      ['src/store/a.ts:1 imports ../config.js: store is below composition'],
    ],
    [
      'an import upward that is made at run time',
      { 'token/a.ts': "const b = () => import('../http/b.js')", 'http/b.ts': '' },
      ['src/token/a.ts:1 imports ../http/b.js: token is below http'],
    ],
    [
      'a type import in the middle of a type',
      { 'token/a.ts': "type B = import('../http/b.js').B", 'http/b.ts': '' },
      ['src/token/a.ts:1 imports ../http/b.js: token is below http'],
    ],
    [
      'a re-export upward',
      { 'account.ts': "export { b } from './accounts/b.js'", 'accounts/b.ts': '' },
      ['src/account.ts:1 imports ./accounts/b.js: nouns is below accounts'],
    ],
    [
      'neighbours of one rank',
      { 'accounts/a.ts': "import type { B } from '../sessions/b.js'", 'sessions/b.ts': '' },
      ['src/accounts/a.ts:1 imports ../sessions/b.js: accounts and sessions are of one rank'],
    ],
    [
      'effects that see each other',
      { 'store/a.ts': "import { type A, b } from '../token/b.js'", 'token/b.ts': '' },
      ['src/store/a.ts:1 imports ../token/b.js: store and token are of one rank'],
    ],
    [
      'but they may share types',
      { 'store/a.ts': "import { type B } from '../token/b.js'", 'token/b.ts': '' },
      [],
    ],
    [
      'HTTP that reaches for the store or for tokens',
      {
        'http/a.ts': "import { b } from '../store/b.js'\nimport type { C } from '../token/c.js'",
        'store/b.ts': '',
        'token/c.ts': '',
      },
      [
        'src/http/a.ts:1 imports ../store/b.js: http knows nothing of store',
        'src/http/a.ts:2 imports ../token/c.js: http knows nothing of token',
      ],
    ],
    [
      'a circle, types included',
      {
        'http/a.ts': "import type { B } from './b.js'",
        'http/b.ts': "import { c } from './c.js'",
        'http/c.ts': "import { a } from './a.js'",
      },
      ['src/http/a.ts:1 is in a circle of imports: http/a.ts → http/b.ts → http/c.ts → http/a.ts'],
    ],
    [
      'ioredis outside the store',
      { 'sessions/a.ts': "import type { Redis } from 'ioredis'" },
      ['src/sessions/a.ts:1 imports ioredis: only store/ may'],
    ],
    [
      'Fastify outside HTTP',
      {
        'accounts/a.ts': "import type { FastifyRequest } from 'fastify'\nimport cors from '@fastify/cors'",
        'config.ts': "import plugin from 'fastify-plugin'",
      },
      [
        'src/accounts/a.ts:1 imports fastify: only http/, app.ts, verify.ts, server.ts may',
        'src/accounts/a.ts:2 imports @fastify/cors: only http/, app.ts, verify.ts, server.ts may',
        'src/config.ts:1 imports fastify-plugin: only http/, app.ts, verify.ts, server.ts may',
      ],
    ],
    [
      'TypeBox by another door than its own',
      { 'typebox.ts': "export { Value } from 'typebox/value'", 'http/a.ts': "import Type from 'typebox'" },
      ['src/http/a.ts:1 imports typebox: only typebox.ts may'],
    ],
    [
      'the environment read in passing',
      {
        'app.ts': 'const a = process.env.A',
        'http/a.ts': "const a = process['env']",
        'store/a.ts': 'const { env } = process',
        'token/a.ts': "import { env } from 'node:process'",
        'config.ts': 'const a = process.env.A',
      },
      ['app', 'http/a', 'store/a', 'token/a'].map(
        (file) => `src/${file}.ts:1 reads the environment: only config.ts may`,
      ),
    ],
    [
      'state in a module',
      { 'http/a.ts': 'export const a = 1\nlet b = 2', 'server.ts': 'let script = 1' },
      ['src/http/a.ts:2 keeps state in a module: pass it as an argument'],
    ],
    [
      'an exported function that does not say what it does',
      { 'http/a.ts': '/** Does. */\nexport function a() {}\n\nexport function b() {}\nfunction c() {}' },
      ['src/http/a.ts:4 exports b without a docstring'],
    ],
    [
      'names that say nothing',
      { 'http/index.ts': '', 'http/string-utils.ts': '', 'store/common/a.ts': '', 'store/commons.ts': '' },
      ['http/index.ts', 'http/string-utils.ts', 'store/common/a.ts'].map(
        (file) => `src/${file}:1 has a name that says nothing about what is in it`,
      ),
    ],
    [
      'a file without a place',
      { 'things/a.ts': '' },
      ['src/things/a.ts:1 belongs to no layer: see `layers` in test/support/architecture.ts'],
    ],
    [
      'long files',
      {
        'http/a.ts': '//\n'.repeat(201),
        'http/b.ts': '//\n'.repeat(200),
        'store/lua/a.lua': '--\n'.repeat(101),
      },
      ['src/http/a.ts:201 is over 200 lines long', 'src/store/lua/a.lua:101 is over 100 lines long'],
    ],
  ]
  for (const [what, files, offences] of broken) {
    const tree = Object.entries(files).map(([path, text]) => ({ path, text }))
    t.strictSame(findOffences(tree), offences, what)
  }
})
