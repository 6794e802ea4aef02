/**
 * The session scripts are the model: random interleavings, every answer and everything stored compared after every step.
 * A failure prints the smallest scenario that shows it, and a seed that replays it.
 */
import fc from 'fast-check'
import t from 'tap'
import { createPlayer, type Mismatch } from './comparison.js'
import { scenarios } from './interleavings.js'
import { startRedis } from './support/redis.js'

const INTERLEAVINGS = 10_000
/** Of so many interleavings, how often each row of the table must have spoken for the comparison to mean something. */
const OFTEN = 8

const { client: redis } = await startRedis(t, { args: ['--appendonly', 'no', '--save', ''] })

t.test(`${INTERLEAVINGS} interleavings: scripts and model agree after every step`, async (t) => {
  const player = await createPlayer(redis)
  await fc.assert(
    fc.asyncProperty(scenarios, async (scenario) => {
      const mismatch = await player.play(scenario)
      if (mismatch !== undefined) throw new Error(describe(mismatch))
    }),
    { numRuns: INTERLEAVINGS },
  )
  t.comment(`${player.steps} steps compared, 0 mismatches`)
  for (let row = 0; row <= 16; row++) {
    const times = player.rows.get(row) ?? 0
    t.ok(times >= OFTEN, `row ${row} spoke ${times} times`)
  }
})

function describe({ position, step, expected, actual }: Mismatch): string {
  const show = (value: unknown) => JSON.stringify(value, undefined, 1)
  return `after step ${position}, ${JSON.stringify(step)}\nexpected ${show(expected)}\nfound ${show(actual)}`
}
