import t from 'tap'
import { batches } from '../../src/store/batches.js'

const items = ['a', 'b', 'a', 'c', 'a', 'b'].map((tag, i) => ({ tag, i }))
const numbers = (cut: (readonly { i: number }[])[]) => cut.map((batch) => batch.map(({ i }) => i))

t.test('in order, a bounded number at a time', async (t) => {
  t.strictSame(numbers(batches(items, 10, false)), [[0, 1, 2, 3, 4, 5]])
  t.strictSame(numbers(batches(items, 4, false)), [
    [0, 1, 2, 3],
    [4, 5],
  ])
  t.strictSame(numbers(batches(items, 6, false)), [[0, 1, 2, 3, 4, 5]])
  t.strictSame(batches([], 4, false), [])
})

t.test('on a Cluster, one tag at a time', async (t) => {
  t.strictSame(numbers(batches(items, 10, true)), [[0, 2, 4], [1, 5], [3]])
  t.strictSame(numbers(batches(items, 2, true)), [[0, 2], [4], [1, 5], [3]])
  t.strictSame(batches([], 4, true), [])
})
