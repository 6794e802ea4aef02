/**
 * The rules that keep the source a picture one can draw: who may import whom, and what stands where. Pure: files in,
 * offences out, so that the rules themselves are tested on trees that break them.
 */
import { posix } from 'node:path'
import { type Parsed, parse, type SourceFile } from './source-file.js'

/** Layers by rank; imports point downward only. A file that fits none of them has no place yet: give it one here. */
const layers = [
  { name: 'composition', rank: 4, files: /^((app|verify)\.ts$|(server|config|client)(\.ts$|\/))/ },
  { name: 'http', rank: 3, files: /^http\// },
  { name: 'sessions', rank: 2, files: /^sessions\// },
  { name: 'accounts', rank: 2, files: /^accounts\// },
  { name: 'store', rank: 1, files: /^store\// },
  { name: 'token', rank: 1, files: /^token\// },
  { name: 'push', rank: 1, files: /^push\// },
  { name: 'geo', rank: 1, files: /^geo(\.ts$|\/)/ },
  {
    name: 'nouns',
    rank: 0,
    files: /^(session|account|errors|location|event|make-room|token-map|typebox)\.ts$/,
  },
]

/** Lower, but still none of its business: what HTTP may know of tokens and of Redis goes through sessions and accounts. */
const unseen: Readonly<Record<string, readonly string[]>> = { http: ['store', 'token'] }

/** Packages that only some files may know, types included. */
const confined = [
  { packages: /^typebox(\/|$)/, to: /^typebox\.ts$/, where: 'typebox.ts' },
  { packages: /^ioredis(\/|$)/, to: /^store\//, where: 'store/' },
  {
    packages: /^(@fastify\/|fastify(-plugin)?(\/|$))/,
    to: /^(http\/|(app|verify)\.ts$|server(\.ts$|\/))/,
    where: 'http/, app.ts, verify.ts, server.ts',
  },
]

const mostLines: Readonly<Record<string, number>> = { '.ts': 200, '.lua': 100 }
const nameless = /(^|-)(index|utils?|helpers?|common|misc)(-|\.|$)/

/** @returns every offence of `files` against the rules, each naming its file, line and rule; none when all is well */
export function findOffences(files: readonly SourceFile[]): string[] {
  const parsed = files.map(parse)
  return [
    ...parsed.flatMap((file) => [...ownOffences(file), ...importOffences(file)]),
    ...findCircles(parsed),
  ].sort()
}

function ownOffences({ path, text, faults }: Parsed): string[] {
  const offences = faults.map(({ line, what }) => `src/${path}:${line} ${what}`)
  const lines = text.trimEnd().split('\n').length
  const most = mostLines[posix.extname(path)]
  if (most !== undefined && lines > most) offences.push(`src/${path}:${lines} is over ${most} lines long`)
  if (path.split('/').some((name) => nameless.test(name)))
    offences.push(`src/${path}:1 has a name that says nothing about what is in it`)
  if (path.endsWith('.ts') && layerOf(path) === undefined)
    offences.push(`src/${path}:1 belongs to no layer: see \`layers\` in test/support/architecture.ts`)
  return offences
}

function importOffences({ path, imports }: Parsed): string[] {
  return imports.flatMap(({ line, specifier, typeOnly }) => {
    const offence = specifier.startsWith('.')
      ? fileOffence(path, resolve(path, specifier), typeOnly)
      : packageOffence(path, specifier)
    return offence === undefined ? [] : [`src/${path}:${line} imports ${specifier}: ${offence}`]
  })
}

function fileOffence(from: string, to: string, typeOnly: boolean): string | undefined {
  const [own, other] = [layerOf(from), layerOf(to)]
  if (own === undefined || own === other) return undefined
  if (other === undefined) return 'it belongs to no layer'
  if (other.rank > own.rank) return `${own.name} is below ${other.name}`
  if (unseen[own.name]?.includes(other.name)) return `${own.name} knows nothing of ${other.name}`
  // The effects are blind to each other; the shape of a value is no effect.
  if (other.rank === own.rank && !(own.rank === 1 && typeOnly))
    return `${own.name} and ${other.name} are of one rank`
  return undefined
}

function packageOffence(path: string, specifier: string): string | undefined {
  const rule = confined.find(({ packages }) => packages.test(specifier))
  return rule === undefined || rule.to.test(path) ? undefined : `only ${rule.where} may`
}

const layerOf = (path: string) => layers.find(({ files }) => files.test(path))
const resolve = (from: string, specifier: string) =>
  posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')

/** Each circle once, from its alphabetically first file on. */
function findCircles(files: readonly Parsed[]): string[] {
  const targets = new Map(
    files.map(({ path, imports }) => [
      path,
      imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => resolve(path, specifier)),
    ]),
  )
  const circles = new Set<string>()
  const follow = (trail: readonly string[]): void => {
    for (const next of targets.get(trail.at(-1) ?? '') ?? []) {
      const start = trail[0] ?? ''
      if (next === start)
        circles.add(`src/${start}:1 is in a circle of imports: ${[...trail, next].join(' → ')}`)
      else if (next > start && !trail.includes(next)) follow([...trail, next])
    }
  }
  for (const { path } of files) follow([path])
  return [...circles]
}
