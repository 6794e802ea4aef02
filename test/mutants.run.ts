/**
 * Shows that the comparison of scripts and model notices bugs: each mutant of `mutants.ts` is put in place of its script,
 * and random scenarios are played until one tells it from the model. Run by `npm run mutants`.
 */
import fc from 'fast-check'
import t from 'tap'
import { readPart } from '../src/store/scripts.js'
import { createPlayer } from './comparison.js'
import { scenarios } from './interleavings.js'
import { type Mutant, mutants } from './mutants.js'
import { startRedis } from './support/redis.js'

/** The same for every mutant; a bug that this many do not show counts as unnoticed. */
const MOST_SCENARIOS = 5000
const SEED = 7171

t.setTimeout(900_000)
const { client: redis } = await startRedis(t, { args: ['--appendonly', 'no', '--save', ''] })
const sample = fc.sample(scenarios, { numRuns: MOST_SCENARIOS, seed: SEED })

/** @returns how many scenarios it took, undefined when none noticed */
async function catchOne({ part, was, is }: Mutant): Promise<number | undefined> {
  await redis.flushall()
  const spoil = (name: string) => (name === part ? readPart(name).replace(was, () => is) : readPart(name))
  const player = await createPlayer(redis, spoil)
  for (const [i, scenario] of sample.entries()) if ((await player.play(scenario)) !== undefined) return i + 1
  return undefined
}

t.test('every mutant can be made', async (t) => {
  const occurrences = ({ part, was }: Mutant) => readPart(part).split(was).length - 1
  t.strictSame(
    mutants.filter((mutant) => occurrences(mutant) !== 1),
    [],
  )
})

t.test('every mutant is noticed', async (t) => {
  let caught = 0
  for (const mutant of mutants) {
    const { part, was, is } = mutant
    const scenarios = await catchOne(mutant)
    if (scenarios !== undefined) caught++
    const after = scenarios === undefined ? 'NOT NOTICED' : `after ${scenarios}`
    console.log(`${after.padStart(12)}  ${part.padEnd(10)}  ${JSON.stringify(was)} → ${JSON.stringify(is)}`)
  }
  console.log(`${caught} of ${mutants.length} caught`)
  t.equal(caught, mutants.length)
})
