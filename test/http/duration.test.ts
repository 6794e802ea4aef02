import fc from 'fast-check'
import t from 'tap'
import { parseLife } from '../../src/http/duration.js'

const accepted: ReadonlyArray<readonly [unknown, number]> = [
  ['6 hours', 21_600],
  ['30 minutes', 1_800],
  ['1 day', 86_400],
  ['30 days', 2_592_000],
  ['1 week', 604_800],
  ['1h30m', 5_400],
  ['1 hr, 30 min', 5_400],
  ['1 hr , 30 min', 5_400],
  ['1 hour/30 min', 5_400],
  ['1w2d', 777_600],
  ['1:30', 90],
  ['1:02:03', 3_723],
  ['2:01:02:03', 176_523],
  ['1 day 1:02:03', 90_123],
  ['1w, 2d, 1:02:03', 781_323],
  [':22', 22],
  [':22.5', 22.5],
  ['1.5 hours', 5_400],
  ['1.5 seconds', 1.5],
  ['.5 hours', 1_800],
  ['1.15 hours', 4_140],
  ['90s', 90],
  ['5 m', 300],
  ['1HOUR', 3_600],
  ['  2\tWks  ', 1_209_600],
  ['+1 hour', 3_600],
  ['1 wk 1 dy 1 hr 1 min 1 sec', 694_861],
  ['2 weeks 2 days 2 hours 2 minutes 2 seconds', 1_389_722],
]

/** Departures from the grammar that Specter uses: a number alone is seconds. */
const numbers: ReadonlyArray<readonly [unknown, number]> = [
  [3_600, 3_600],
  ['3600', 3_600],
  [' 3600 ', 3_600],
  [1.5, 1.5],
  ['1.5', 1.5],
]

/** Read for what they are; that they are not allowed is the caller's to say. */
const notAllowed: ReadonlyArray<readonly [unknown, number]> = [
  ['0s', 0],
  [0, 0],
  ['0', 0],
  ['-1 hour', -3_600],
  ['- 1.5 m 10 s', -100],
  ['-5', -5],
  [-5, -5],
  ['9999999999 weeks', 6_047_999_999_395_200],
]

const rejected: readonly unknown[] = [
  ...[
    '1 month',
    '1 year',
    '1 hour and 30 minutes',
    'six hours',
    '2d1w',
    '',
    '  ',
    '1.2.3 h',
    null,
    undefined,
  ],
  ...[
    '1h1h',
    '+',
    '-',
    '--1h',
    '+-1h',
    '1 2 hours',
    '1h,,30m',
    ',1h',
    '90s,',
    '1 ho urs',
    '1e3',
    '0x10',
    'Infinity',
  ],
  ...[
    ':5',
    '1:5',
    '123:00',
    '1:2:03',
    '1:2:03:04',
    '1d 1:02:03:04',
    '1:02:03 1d',
    '.',
    '. h',
    '1 minuteses',
    '1hourss',
  ],
  ...[Number.NaN, Number.POSITIVE_INFINITY, true, {}, [], ['1h'], 1n],
]

t.test('lives that are accepted, in seconds', async (t) => {
  for (const [life, seconds] of accepted) t.equal(parseLife(life), seconds, JSON.stringify(life))
})

t.test('a number alone is seconds', async (t) => {
  for (const [life, seconds] of numbers) t.equal(parseLife(life), seconds, JSON.stringify(life))
})

t.test('zero, negative and enormous lives are told apart from nonsense', async (t) => {
  for (const [life, seconds] of notAllowed) t.equal(parseLife(life), seconds, JSON.stringify(life))
})

t.test('what is no life', async (t) => {
  for (const life of rejected) t.equal(parseLife(life), undefined, String(life))
})

t.test('whatever parts it is written with, a life is their sum', async () => {
  const amount = fc.nat({ max: 999 })
  const space = fc.constantFrom('', ' ', ', ', '/')
  fc.assert(
    fc.property(amount, amount, amount, amount, amount, space, (w, d, h, m, s, gap) => {
      const text = [`${w}w`, `${d} days`, `${h}hrs`, `${m} min`, `${s}s`].join(gap)
      return parseLife(text) === w * 604_800 + d * 86_400 + h * 3_600 + m * 60 + s
    }),
  )
})

t.test('never throws and never answers anything but a finite number', async () => {
  const life = fc.oneof(fc.anything(), fc.stringMatching(/^[-+ \d.:,/wdhms]*$/))
  fc.assert(
    fc.property(life, (value) => {
      const seconds = parseLife(value)
      return seconds === undefined || Number.isFinite(seconds)
    }),
  )
})

t.test('hostile lives cost next to nothing', async (t) => {
  const fill = ['1', ' ', '1 ', '1h', '1:', '.', '1.', ' ,', '1w ', '\t\n']
  const lives = fill.flatMap((piece) => [piece.repeat(1e6), `${piece.repeat(100).slice(0, 99)}!`])
  const begin = process.cpuUsage()
  for (const life of lives) t.equal(parseLife(life), undefined, JSON.stringify(life.slice(0, 4)))
  const { user } = process.cpuUsage(begin)
  t.ok(user < 250_000, `${user} µs of CPU for ${lives.length} lives`)
})
