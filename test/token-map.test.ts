import { randomInt } from 'node:crypto'
import t from 'tap'
import { createTokenMap, type Known } from '../src/token-map.js'

interface Entry extends Known {
  note: number
}

const entry = (presented: string, note = 0): Entry => ({
  presented,
  note,
  number: 0,
})

t.test('a token is known by all of it, not only by its end', async (t) => {
  const map = createTokenMap<Entry>(10)
  for (const token of ['cst_one-and-the-same-end', 'short', 'ä\u{1f512}']) {
    map.add(entry(token))
    t.match(map.get(token), { presented: token })
    t.equal(map.get(`x${token}`), undefined)
    t.equal(map.get(token.slice(0, -1)), undefined)
  }
  t.equal(map.get('cst_two-and-the-same-end'), undefined)
  map.add(entry('cst_two-and-the-same-end', 2))
  t.equal(map.get('cst_two-and-the-same-end')?.note, 2)
  t.equal(map.get('cst_one-and-the-same-end')?.note, 0, 'each has a place of its own')
  map.delete('short')
  t.equal(map.get('short'), undefined)
  t.equal(map.get(''), undefined)
})

t.test('beyond the most, another is forgotten for one that is added', async (t) => {
  const map = createTokenMap<Entry>(3)
  for (let i = 0; i < 1_000; i++) {
    map.add(entry(`token-${i}`, i))
    t.equal(map.get(`token-${i}`)?.note, i)
    t.equal(map.size, Math.min(i + 1, 3))
  }
  const known = () => Array.from({ length: 1_001 }, (_, i) => i).filter((i) => map.get(`token-${i}`))
  t.equal(known().length, 3)
  map.add(entry('token-999'))
  t.equal(known().length, 3, 'what is known already needs no room')
  map.delete('token-999')
  map.delete('token-999')
  t.equal(map.size, 2)
  map.add(entry('token-1000'))
  t.equal(known().length, 3, 'nor is it made where there is some')
})

t.test('who is forgotten is anybody: each of many goes while as many again come', async (t) => {
  const map = createTokenMap<Entry>(1_000)
  for (let i = 0; i < 1_000; i++) map.add(entry(`first-${i}`))
  for (let i = 0; i < 1_000; i++) map.add(entry(`second-${i}`))
  const left = (name: string) =>
    Array.from({ length: 1_000 }, (_, i) => map.get(`${name}-${i}`)).filter((one) => one !== undefined).length
  t.ok(left('first') < 500, 'most of the former are gone')
  t.ok(left('second') > 500, 'and of the latter most are there')
  t.equal(left('first') + left('second'), 1_000)
})

t.test('whatever comes and goes, what it knows is what was added last, or nothing', async (t) => {
  const most = 20
  const map = createTokenMap<Entry>(most)
  const added = new Map<string, number>()
  // Few ends, so that many want the same place.
  const tokens = Array.from({ length: 40 }, (_, i) => `token ${i} of the end ${i % 5}`)
  for (let step = 0; step < 20_000; step++) {
    const token = tokens[randomInt(tokens.length)] as string
    const before = map.size
    const wasKnown = map.get(token) !== undefined
    const isAdded = randomInt(3) > 0
    if (isAdded) map.add(entry(token, step))
    else map.delete(token)
    added.set(token, isAdded ? step : -1)
    const known = tokens.filter((token) => map.get(token) !== undefined)
    const size = Math.min(most, before + (isAdded ? 1 : 0) - (wasKnown ? 1 : 0))
    const isRight =
      map.size === size &&
      known.length === size &&
      known.includes(token) === isAdded &&
      known.every((token) => map.get(token)?.note === added.get(token))
    if (!isRight) return t.fail(`step ${step}: ${map.size} ${known.length} ${size}`)
  }
})
