/** What the bench compares with, as far as it can be seen without installing it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { peers } from '../bench/scenarios/peers.js'
import { inCheckout } from './support/checkout.js'

const root = inCheckout('')

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
}

interface Lockfile {
  readonly packages: Readonly<Record<string, Partial<Manifest> & { version: string; integrity?: string }>>
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(join(root, path), 'utf8'))
}

t.test('every peer has exactly one version, and the lockfile has it', async (t) => {
  const { dependencies } = await readJson<Manifest>('bench/peers/package.json')
  const { packages } = await readJson<Lockfile>('bench/peers/package-lock.json')
  t.strictSame(packages['']?.dependencies, dependencies)
  for (const [name, version] of Object.entries(dependencies)) {
    t.match(version, /^\d+\.\d+\.\d+$/, name)
    t.equal(packages[`node_modules/${name}`]?.version, version, name)
  }
  const unsealed = Object.keys(packages).filter((path) => packages[path]?.integrity === undefined)
  t.strictSame(unsealed, [''], 'every package has the hash of its content, but for the root')
})

t.test('what the peers have in common with the service is the same on both sides', async (t) => {
  const theirs = await readJson<Lockfile>('bench/peers/package-lock.json')
  const ours = await readJson<Lockfile>('package-lock.json')
  for (const name of ['fastify', 'ioredis'])
    t.equal(
      theirs.packages[`node_modules/${name}`]?.version,
      ours.packages[`node_modules/${name}`]?.version,
      name,
    )
})

t.test('every scenario has its program, and imports only what is installed for it', async (t) => {
  const { dependencies } = await readJson<Manifest>('bench/peers/package.json')
  const used = new Set<string>()
  for (const { name, peer } of peers) {
    if (peer === undefined) throw new Error(`${name} measures no peer`)
    const source = await readFile(join(root, peer.entry), 'utf8')
    for (const [, from = ''] of source.matchAll(/ from '([^']+)'/g))
      if (!from.startsWith('node:')) used.add(/^(@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from)
  }
  t.strictSame([...used].sort(), Object.keys(dependencies).sort())
})
