import { randomBytes } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { download, integrityOf } from '../../src/geo/download.js'
import { startRegistry } from '../support/npm-registry.js'

async function prepare(t: Test) {
  const registry = await startRegistry(t, 'some-package')
  const published = registry.publish('1.0.0', { 'noise.mmdb': randomBytes(600_000) })
  const path = join(t.testdir({}), 'part')
  const received: number[] = []
  const get = (options: { signal?: AbortSignal; stallMs?: number } = {}) =>
    download({
      url: published.tarballUrl,
      path,
      retryMs: 1,
      onProgress: (bytes) => received.push(bytes),
      ...options,
    })
  const isWhole = async () => (await integrityOf(path)) === published.integrity
  return { registry, published, path, received, get, isWhole }
}

t.test('in one go', async (t) => {
  const { registry, published, received, get, isWhole } = await prepare(t)
  await get()
  t.ok(await isWhole())
  t.strictSame(registry.tarballRequests, [''])
  t.strictSame([received.at(0), received.at(-1)], [0, published.bytes])
  await get()
  t.strictSame(registry.tarballRequests, ['', `bytes=${published.bytes}-`], 'there is nothing left to be had')
  t.ok(await isWhole())
})

t.test('a connection that is cut', async (t) => {
  const { registry, get, isWhole } = await prepare(t)
  registry.faults.cutAfter = [200_000, 0, 0, 100_000, 1]
  await get()
  t.ok(await isWhole())
  t.equal(registry.tarballRequests.length, 6)
  const starts = registry.tarballRequests.map((range) => Number(/\d+/.exec(range)?.[0] ?? 0))
  t.strictSame(
    starts,
    [...starts].sort((a, b) => a - b),
    'what has come stays',
  )
  t.ok((starts[1] ?? 0) > 0)
})

t.test('given up when nothing comes any more, and what has come stays', async (t) => {
  const { registry, path, get, isWhole } = await prepare(t)
  registry.faults.cutAfter = [200_000, 0, 0, 0, 0, 0, 0]
  await t.rejects(get())
  t.equal(registry.tarballRequests.length, 4)
  t.ok(statSync(path).size > 0)
  registry.faults.cutAfter = []
  await get()
  t.ok(await isWhole())
})

t.test('a connection that stays open and says nothing', async (t) => {
  const { registry, get, isWhole } = await prepare(t)
  registry.faults.stallAfter = 100_000
  const stuck = get({ stallMs: 100 })
  while (registry.tarballRequests.length < 2) await new Promise(setImmediate)
  registry.faults.stallAfter = undefined
  await stuck
  t.ok(await isWhole())
})

t.test('a connection that is slow', async (t) => {
  const { registry, get, isWhole } = await prepare(t)
  registry.faults.pieces = 20
  await get({ stallMs: 1500 })
  t.ok(await isWhole())
  t.equal(registry.tarballRequests.length, 1, 'is not given up')
})

t.test('a server that knows no ranges', async (t) => {
  const { registry, get, isWhole } = await prepare(t)
  registry.faults.noRanges = true
  registry.faults.cutAfter = [200_000]
  await get()
  t.ok(await isWhole())
  t.equal(registry.tarballRequests.length, 2)
})

t.test('a refusal is not tried again, a server in trouble is', async (t) => {
  const { registry, path, get } = await prepare(t)
  writeFileSync(path, 'part')
  for (const [status, requests] of [
    [404, 1],
    [401, 1],
    [503, 4],
    [429, 4],
  ] as const) {
    registry.tarballRequests.length = 0
    registry.faults.refuseWith = status
    await t.rejects(get(), { message: `${new URL(registry.url).host} answered ${status}` })
    t.equal(registry.tarballRequests.length, requests, `${status}`)
  }
  t.equal(readFileSync(path, 'utf8'), 'part')
})

t.test('an abort ends it at once', async (t) => {
  const { registry, get } = await prepare(t)
  registry.faults.stallAfter = 100_000
  const stop = new AbortController()
  const stuck = get({ signal: stop.signal })
  while (registry.tarballRequests.length < 1) await new Promise(setImmediate)
  stop.abort()
  await t.rejects(stuck, { name: 'AbortError' })
  t.equal(registry.tarballRequests.length, 1)
})

t.test('two at once write the same file', async (t) => {
  const { registry, get, isWhole } = await prepare(t)
  registry.faults.cutAfter = [200_000, 100_000, 300_000]
  await Promise.all([get(), get()])
  t.ok(await isWhole())
})
