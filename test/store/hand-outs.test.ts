import t from 'tap'
import { createHandOuts } from '../../src/store/hand-outs.js'

t.test('the latest is known, in whatever order answers come', async (t) => {
  const handOuts = createHandOuts()
  const handle = 'a'
  t.equal(handOuts.latest(handle), undefined)
  for (const [n, b, generation, branches] of [
    [7, 0, 7, 1],
    [7, 2, 7, 3],
    [7, 1, 7, 3],
    [6, 9, 7, 3],
    [8, 0, 8, 1],
    [7, 200, 8, 1],
  ] as const) {
    // Whether the one before was known when this was asked for, or the two came together.
    for (const latest of [handOuts.latest(handle), undefined]) {
      handOuts.note(handle, latest, n, b)
      t.strictSame(handOuts.latest(handle), { generation, branches }, `${n}, ${b}`)
    }
  }
  t.equal(handOuts.latest('b'), undefined)
})

t.test('of many sessions those are known that came last', async (t) => {
  const handOuts = createHandOuts()
  for (let i = 0; i <= 50_000; i++) handOuts.note(`session ${i}`, undefined, 1, 0)
  t.equal(handOuts.latest('session 0'), undefined)
  for (const i of [1, 50_000]) t.strictSame(handOuts.latest(`session ${i}`), { generation: 1, branches: 1 })
})
