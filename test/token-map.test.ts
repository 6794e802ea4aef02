import t from 'tap'
import { createTokenMap } from '../src/token-map.js'

const entry = (presented: string, note = 0) => ({ presented, note })

t.test('a token is known by all of it, not only by its end', async (t) => {
  const map = createTokenMap<{ presented: string }>(10)
  for (const token of ['cst_one-and-the-same-end', 'short', 'ä\u{1f512}']) {
    map.add(entry(token))
    t.match(map.get(token), { presented: token })
    t.equal(map.get(`x${token}`), undefined)
    t.equal(map.get(token.slice(0, -1)), undefined)
  }
  t.equal(map.get('cst_two-and-the-same-end'), undefined)
  map.add(entry('cst_two-and-the-same-end'))
  t.ok(map.get('cst_two-and-the-same-end'), 'the later is known')
  t.equal(map.get('cst_one-and-the-same-end'), undefined)
  map.delete('short')
  t.equal(map.get('short'), undefined)
  t.equal(map.get(''), undefined)
})

t.test('beyond the most, what was added first is forgotten; what is added again is the newest', async (t) => {
  const map = createTokenMap<{ presented: string; note: number }>(3)
  for (const token of ['a', 'b', 'c']) map.add(entry(token))
  map.add(entry('a', 1))
  map.add(entry('d'))
  t.strictSame(
    ['a', 'b', 'c', 'd'].map((token) => map.get(token)?.note),
    [1, undefined, 0, 0],
  )
  map.delete('c')
  map.add(entry('e'))
  t.equal(map.size, 3)
  for (let i = 0; i < 10_000; i++) map.add(entry(`token-${i}`))
  t.strictSame(
    [9996, 9997, 9998, 9999].map((i) => map.get(`token-${i}`) !== undefined),
    [false, true, true, true],
  )
  for (let i = 9997; i < 10_000; i++) map.delete(`token-${i}`)
  for (const token of ['x', 'y', 'z', 'w']) map.add(entry(token))
  t.strictSame(
    ['x', 'y', 'z', 'w'].map((token) => map.get(token)?.note),
    [undefined, 0, 0, 0],
  )
})
