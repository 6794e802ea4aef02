import { randomInt } from 'node:crypto'
import t from 'tap'
import { createRow, type Row, type Standing } from '../../src/sessions/row.js'

interface Person extends Standing<Person> {
  name: number
}

const person = (name: number): Person => ({ name, row: undefined, before: undefined, after: undefined })

function namesIn(row: Row<Person>): number[] {
  const names: number[] = []
  for (let one = row.first; one !== undefined; one = one.after) names.push(one.name)
  return names
}

t.test('a row keeps its order, whoever leaves it and comes back', async (t) => {
  const people = Array.from({ length: 12 }, (_, name) => person(name))
  const rows = [createRow<Person>(), createRow<Person>()] as const
  const expected: [Set<number>, Set<number>] = [new Set(), new Set()]
  for (let step = 0; step < 5_000; step++) {
    const one = people[randomInt(people.length)] as Person
    one.row?.leave(one)
    for (const set of expected) set.delete(one.name)
    const to = randomInt(3)
    rows[to]?.join(one)
    expected[to]?.add(one.name)
    for (const [i, row] of rows.entries()) {
      const names = [...(expected[i] ?? [])]
      if (row.size !== names.length || namesIn(row).join() !== names.join())
        return t.strictSame([row.size, namesIn(row)], [names.length, names], `step ${step}`)
    }
  }
  for (const one of people) one.row?.leave(one)
  for (const one of people) t.strictSame(one, person(one.name), 'nobody knows anybody any more')
  for (const row of rows) t.strictSame([row.size, row.first], [0, undefined])
})
