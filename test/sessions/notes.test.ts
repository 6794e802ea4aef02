import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Session } from '../../src/session.js'
import { createNotes, type Notes } from '../../src/sessions/notes.js'

const REST_MS = 40
const home = { ip: '81.2.69.142', userAgent: 'Firefox' }
const away = { ip: '89.160.20.112', userAgent: 'Firefox' }

function session(handle: string): Session {
  const times = { createdAt: 0, expiresAt: 1, endsAt: 2 }
  return { handle, tag: 'abc', uid: 'ada', kind: 'fixed', scopes: [], ...times }
}

function write(notes: Notes, early = false): string[] {
  const part = notes.first(notes.wake(early))
  for (const note of part) notes.settle(note, 'written')
  return part.map(({ handle, use }) => `${handle} ${use.ip}`)
}

t.test('what is repeated from one place is written once, and once more when it has rested', async (t) => {
  const notes = createNotes({ most: 10, restMs: REST_MS })
  notes.add(session('one'), home, undefined)
  t.strictSame(write(notes), ['one 81.2.69.142'])
  t.equal(notes.pending('one'), undefined)
  await delay(2)
  notes.add(session('one'), home, undefined)
  t.match(notes.pending('one'), { use: home }, 'this instance knows of it')
  t.strictSame(write(notes), [], 'it rests')
  await delay(REST_MS + 5)
  t.strictSame(write(notes), ['one 81.2.69.142'])
  await delay(REST_MS + 5)
  t.strictSame(write(notes), [], 'it was not used again')
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

t.test('all that was used again can be written early', async (t) => {
  const notes = createNotes({ most: 10, restMs: 86_400_000 })
  for (const handle of ['one', 'two']) notes.add(session(handle), home, undefined)
  write(notes)
  await delay(2)
  notes.add(session('two'), home, undefined)
  t.strictSame(write(notes, true), ['two 81.2.69.142'])
})

t.test('no more rest than may wait; who is crowded out and was used again waits', async (t) => {
  const notes = createNotes({ most: 2, restMs: 86_400_000 })
  for (const handle of ['one', 'two']) notes.add(session(handle), home, undefined)
  write(notes)
  await delay(2)
  notes.add(session('one'), home, undefined)
  notes.add(session('three'), home, undefined)
  t.strictSame(write(notes), ['three 81.2.69.142'])
  t.strictSame(write(notes), ['one 81.2.69.142'])
  t.match(notes.counts(), { dropped: 0, waiting: 0 })
})

t.test('what is lost does not rest', async (t) => {
  const notes = createNotes({ most: 2, restMs: 86_400_000 })
  notes.add(session('one'), home, undefined)
  for (const note of notes.first(1)) notes.settle(note, 'lost')
  t.match(notes.counts(), { dropped: 1, waiting: 0 })
  notes.add(session('one'), home, undefined)
  t.equal(write(notes).length, 1)
})
