import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findRedisBinary } from '../../src/store/redis-binary.js'
import { inCheckout } from '../support/checkout.js'

/** The server by its own name, as it was found for all tests. */
const real = await findRedisBinary(inCheckout('.cache/redis'))

/** Makes PATH a folder with nothing but these executables: a script's text, or a path to link to. */
function onlyOnPath(t: Test, executables: Record<string, string>): string {
  const dir = t.testdir()
  const bin = join(dir, 'bin')
  mkdirSync(bin)
  for (const [name, content] of Object.entries(executables)) {
    if (content.startsWith('/')) symlinkSync(content, join(bin, name))
    else {
      writeFileSync(join(bin, name), `#!/bin/sh\n${content}\n`)
      chmodSync(join(bin, name), 0o755)
    }
  }
  const before = process.env.PATH
  process.env.PATH = bin
  t.teardown(() => {
    process.env.PATH = before
  })
  return dir
}

const reporting = (version: string): string => `echo '${version} sha=00000000:0 malloc=libc bits=64'`

t.test(
  'redis-server on PATH goes first, valkey-server next; old and broken ones are passed over',
  async (t) => {
    const cases: [Record<string, string>, string, string][] = [
      [
        {
          'redis-server': reporting('Redis server v=7.2.4'),
          'valkey-server': reporting('Valkey server v=8.1.0'),
        },
        'redis-server',
        '7.2.4',
      ],
      [
        {
          'redis-server': reporting('Redis server v=6.0.16'),
          'valkey-server': reporting('Valkey server v=8.1.0'),
        },
        'valkey-server',
        '8.1.0',
      ],
      [
        { 'redis-server': 'exit 127', 'valkey-server': reporting('Server v=7.2.5') },
        'valkey-server',
        '7.2.5',
      ],
      [
        {
          'redis-server': reporting('KeyDB server v=6.3.4'),
          'valkey-server': '/nowhere',
          'redis-check-rdb': real.path,
        },
        '',
        real.version,
      ],
    ]
    for (const [index, [executables, name, version]] of cases.entries())
      await t.test(`case ${index + 1}`, async (t) => {
        const dir = onlyOnPath(t, executables)
        const found = await findRedisBinary(join(dir, 'cache/redis'))
        t.equal(found.version, version)
        t.equal(found.path, name === '' ? join(dir, 'cache/redis/redis-server') : join(dir, 'bin', name))
      })
  },
)

t.test('a copy is made once, however many ask at the same time; what was broken is made again', async (t) => {
  const dir = onlyOnPath(t, { 'redis-check-rdb': real.path })
  const cache = join(dir, 'cache', 'redis')
  mkdirSync(cache, { recursive: true })
  symlinkSync('/gone', join(cache, 'redis-server'))
  const found = await Promise.all(Array.from({ length: 6 }, () => findRedisBinary(cache)))
  for (const one of found) t.strictSame(one, { path: join(cache, 'redis-server'), version: real.version })
  t.ok(existsSync(join(cache, 'redis-server')))
  const again = readdirSync(cache)
  await findRedisBinary(cache)
  t.strictSame(readdirSync(cache), again, 'found, not made')
})

t.test('a system that has none and cannot fetch one is told the four ways out', async (t) => {
  const dir = onlyOnPath(t, {})
  const cache = join(dir, 'cache/redis')
  await t.rejects(findRedisBinary(cache), {
    message:
      /No Redis server[\s\S]*1\. set REDIS_URL[\s\S]*2\. install[\s\S]*3\. docker compose up[\s\S]*4\. put a redis-server/,
  })
  t.strictSame(readdirSync(cache), [], 'nothing is left behind')
})
