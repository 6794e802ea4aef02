import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Session } from '../../src/session.js'
import { createNotes, type Notes } from '../../src/sessions/notes.js'
import { lastingAnswer } from '../support/lasting.js'

const REST_MS = 40
const home = { ip: '81.2.69.142', userAgent: 'Firefox' }
const away = { ip: '89.160.20.112', userAgent: 'Firefox' }

function session(handle: string): Session {
  const times = { createdAt: 0, expiresAt: 1, endsAt: 2 }
  return { handle, tag: 'abc', uid: 'ada', kind: 'fixed', scopes: [], ...times }
}

function write(notes: Notes, early = false): string[] {
  notes.wake(100, early ? Number.POSITIVE_INFINITY : performance.now())
  const part = notes.first(100)
  for (const note of part) notes.settle(note, 'written')
  return part.map(({ handle, ip }) => `${handle} ${ip}`)
}

t.test('what is repeated from one place is written once, and once more when it has rested', async (t) => {
  const notes = createNotes({ most: 10, restMs: REST_MS })
  notes.add(session('one'), home, undefined)
  t.strictSame(write(notes), ['one 81.2.69.142'])
  t.equal(notes.pending('one'), undefined)
  await delay(2)
  notes.add(session('one'), home, undefined)
  t.match(notes.pending('one'), home, 'this instance knows of it')
  t.strictSame(write(notes), [], 'it rests')
  await delay(REST_MS + 5)
  t.strictSame(write(notes), ['one 81.2.69.142'])
  await delay(REST_MS + 5)
  t.strictSame(write(notes), [], 'it was not used again')
  notes.add(session('one'), home, undefined)
  t.strictSame(write(notes), ['one 81.2.69.142'], 'it has rested long since')
})

t.test('another place, another device and an opening do not rest', async (t) => {
  const notes = createNotes({ most: 10, restMs: 86_400_000 })
  notes.add(session('one'), home, 'opened')
  t.equal(notes.pending('one')?.opened, 'opened')
  t.equal(write(notes).length, 1)
  notes.add(session('one'), away, undefined)
  t.strictSame(write(notes), ['one 89.160.20.112'])
  notes.add(session('one'), { ...away, userAgent: 'Safari' }, undefined)
  t.equal(write(notes).length, 1)
  notes.add(session('one'), { ...away, userAgent: 'Safari' }, 'opened')
  t.equal(write(notes).length, 1)
})

t.test('all that was used again can be written early, some at a time', async (t) => {
  const notes = createNotes({ most: 10, restMs: 86_400_000 })
  for (const handle of ['one', 'two', 'three']) notes.add(session(handle), home, undefined)
  write(notes)
  await delay(2)
  for (const handle of ['two', 'three']) notes.add(session(handle), home, undefined)
  t.equal(notes.wake(1, performance.now()), 0)
  t.equal(notes.wake(2, Number.POSITIVE_INFINITY), 2)
  t.equal(notes.counts().waiting, 1, 'one of them was not used again')
  t.strictSame(write(notes, true), ['two 81.2.69.142', 'three 81.2.69.142'])
  t.equal(notes.wake(1, performance.now()), 0)
})

t.test('no more rest than may wait; who is crowded out waits', async (t) => {
  const notes = createNotes({ most: 2, restMs: 86_400_000 })
  for (const handle of ['one', 'two', 'three']) {
    notes.add(session(handle), home, undefined)
    write(notes)
    await delay(2)
    notes.add(session(handle), home, undefined)
  }
  t.match(notes.counts(), { dropped: 0, waiting: 1 })
  t.strictSame(write(notes), ['one 81.2.69.142'])
})

t.test('who is crowded out and was not used again is forgotten', async (t) => {
  const notes = createNotes({ most: 2, restMs: 86_400_000 })
  for (const handle of ['one', 'two', 'three']) notes.add(session(handle), home, undefined)
  t.match(notes.counts(), { dropped: 1, waiting: 2 })
  write(notes)
  notes.add(session('four'), home, undefined)
  write(notes)
  for (const handle of ['two', 'three']) notes.add(session(handle), home, undefined)
  t.strictSame(write(notes), ['two 81.2.69.142'], 'forgotten, it is as new')
})

t.test('an answer that lasts knows the note of its session, as long as that is kept', async (t) => {
  const notes = createNotes({ most: 1, restMs: 86_400_000 })
  const one = lastingAnswer()
  const same = lastingAnswer()
  for (const lasting of [one, same, one, same]) notes.add(session('one'), home, undefined, lasting)
  t.ok(one.note)
  t.equal(one.note, same.note)
  t.strictSame(write(notes), ['one 81.2.69.142'])

  notes.add(session('one'), away, undefined, one)
  for (const lasting of [same, one]) notes.add(session('one'), away, undefined, lasting)
  t.match(notes.pending('one'), away)
  t.equal(one.note, same.note, 'what was replaced is not taken for it')
  t.strictSame(write(notes), ['one 89.160.20.112'])

  notes.add(session('two'), home, undefined)
  write(notes)
  notes.add(session('one'), away, undefined, one)
  t.strictSame(write(notes), ['one 89.160.20.112'], 'what was forgotten is as new')
})

t.test('a note that was forgotten serves again, for the same place', async (t) => {
  const notes = createNotes({ most: 1, restMs: 86_400_000 })
  const lasting = lastingAnswer()
  notes.add(session('one'), home, 'opened', lasting)
  const { note } = lasting
  notes.add(session('two'), home)
  t.equal(notes.pending('one'), undefined)

  notes.add(session('one'), home, undefined, lasting)
  t.equal(lasting.note, note)
  t.match(notes.pending('one'), { ...home, opened: undefined }, 'and is as new')
  t.strictSame(write(notes), ['one 81.2.69.142'])

  notes.add(session('two'), home)
  write(notes)
  notes.add(session('one'), away, undefined, lasting)
  t.not(lasting.note, note)
  t.match(notes.pending('one'), away)
})

t.test('a use that is noted in its answer alone counts as any other', async (t) => {
  const notes = createNotes({ most: 10, restMs: REST_MS })
  const [one, same] = [lastingAnswer(), lastingAnswer()]
  const use = (lasting = one) => {
    lasting.givenAt = Math.floor(performance.now())
    notes.add(session('one'), home, undefined, lasting)
  }
  const pendingMs = () => notes.pending('one')?.atMs ?? 0
  use()
  const openedMs = pendingMs()
  t.match(one, { usedIp: home.ip, usedAgent: home.userAgent }, 'its next uses are noted in it')
  await delay(5)
  const beforeMs = Date.now() - 2 // it is reckoned by two clocks, each in whole milliseconds
  use()
  t.ok(pendingMs() > openedMs && pendingMs() >= beforeMs, 'this instance knows of it')
  t.equal(notes.first(1)[0]?.atMs, pendingMs(), 'and so does who writes it')

  one.country = 'GB'
  t.equal(write(notes).length, 1)
  t.equal(one.country, undefined, 'as old as what is written')
  t.equal(notes.pending('one'), undefined)
  await delay(2)
  use()
  t.match(notes.pending('one'), home)
  await delay(REST_MS + 5)
  t.equal(write(notes).length, 1, 'it has rested, and was used')
  await delay(REST_MS + 5)
  t.strictSame(
    [write(notes), one.usedIp],
    [[], undefined],
    'not again: it is forgotten, and its answer knows',
  )

  use()
  use(same)
  t.strictSame([one.usedIp, same.usedIp], [undefined, home.ip], 'a note goes by one answer')
  await delay(2)
  use(same)
  const sameMs = pendingMs()
  use()
  t.ok(pendingMs() >= sameMs)
  t.strictSame([one.usedIp, same.usedIp], [home.ip, undefined])
  notes.add(session('one'), home)
  t.equal(one.usedIp, home.ip, 'who asks without an answer does not part them')
  notes.add(session('one'), away)
  t.equal(one.usedIp, undefined, 'another place does')
  t.match(notes.pending('one'), away)
})

t.test('what is lost does not rest', async (t) => {
  const notes = createNotes({ most: 2, restMs: 86_400_000 })
  notes.add(session('one'), home, undefined)
  for (const note of notes.first(1)) notes.settle(note, 'lost')
  t.match(notes.counts(), { dropped: 1, waiting: 0 })
  notes.add(session('one'), home, undefined)
  t.equal(write(notes).length, 1)
})
