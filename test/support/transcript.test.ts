import t from 'tap'
import type { Answer } from './exchange.js'
import { createPlaceholders } from './placeholders.js'
import { parseTranscript } from './transcript.js'
import { showAnswer, showExpected } from './transcript-answer.js'

const token = (letter: string) => `cst_${letter.repeat(54)}A`
const answer: Answer = {
  status: 'HTTP/1.1 200 OK',
  headers: [
    ['access-token', token('a')],
    ['token-type', 'Bearer'],
    ['client', 'c'],
    ['expiry', '9999999999'],
    ['uid', 'ada'],
  ],
  body: '',
}

t.test('reads a transcript', async (t) => {
  const text = [
    '# Title',
    '# prose',
    '@config A=b=c',
    '@account {"uid": "ada", "provider": "email"}',
    '### First',
    '# prose',
    'POST / HTTP/1.1',
    'X:',
    '',
    '{"a":',
    '1}',
    '',
    'HTTP/1.1 200 OK',
    'y: z',
    '',
    '{}',
    '',
    '### Second',
    'GET / HTTP/1.0',
    '',
    'HTTP/1.1 204 No Content',
  ].join('\n')
  t.strictSame(parseTranscript(text), {
    title: 'Title',
    config: { A: 'b=c' },
    accounts: [{ uid: 'ada', provider: 'email' }],
    exchanges: [
      {
        name: 'First',
        line: 5,
        request: { start: 'POST / HTTP/1.1', headers: ['X:'], body: '{"a":\n1}' },
        answer: { start: 'HTTP/1.1 200 OK', headers: ['y: z'], body: '{}' },
      },
      {
        name: 'Second',
        line: 18,
        request: { start: 'GET / HTTP/1.0', headers: [], body: '' },
        answer: { start: 'HTTP/1.1 204 No Content', headers: [], body: '' },
      },
    ],
  })
})

t.test('refuses what it does not understand', async (t) => {
  const good = '# T\n### E\nGET / HTTP/1.1\n\nHTTP/1.1 200 OK\n'
  t.doesNotThrow(() => parseTranscript(good))
  const broken: Record<string, string> = {
    'no title': good.slice(1),
    'a stray line before the first exchange': good.replace('\n', '\nstray\n'),
    'no exchange': '# T\n',
    'no answer': '# T\n### E\nGET / HTTP/1.1\n',
    'no request': '# T\n### E\nHTTP/1.1 200 OK\n',
    'a request that is none': good.replace('GET /', 'GET'),
    'a header that is none': good.replace('OK\n', 'OK\nstray\n'),
    'an unknown directive': good.replace('\n', '\n@wait 5\n'),
  }
  for (const [what, text] of Object.entries(broken)) t.throws(() => parseTranscript(text), what)
})

t.test('placeholders remember', async (t) => {
  const { fill, match } = createPlaceholders()
  t.throws(() => fill('{{token a}}'), /stands for nothing yet/)
  t.equal(match('x: {{token a}}', `x: ${token('a')}`, answer), 'x: {{token a}}')
  t.equal(fill('-{{token a}}-'), `-${token('a')}-`)
  t.equal(match('{{token a}}', token('a'), answer), '{{token a}}')
  t.equal(match('{{token a}}', token('b'), answer), `${token('b')} (was ${token('a')})`)
  t.equal(match('{{token c}}', token('a'), answer), `${token('a')} (is {{token a}})`, 'two names, one value')
  t.equal(match('{{token d}}', `${token('d')}=`, answer), `${token('d')}=`, 'another form')
  t.equal(fill('{{forged a}}'), `${token('a').slice(0, -2)}AA`)
  t.equal(fill('{{repeat 3 ab}}'), 'ababab')
  t.equal(fill('{{base64 admin:pass word}}'), 'YWRtaW46cGFzcyB3b3Jk')
  t.throws(() => match('{{tokem a}}', token('a'), answer), /no placeholder/)
  t.throws(() => match('{{token}}', token('a'), answer), /no placeholder/)
  t.throws(() => match('{{expiry a}}', '9999999999', answer), /no placeholder/)
})

t.test('placeholders judge', async (t) => {
  const { match } = createPlaceholders()
  const judge = (template: string, actual: string) => match(template, actual, answer)
  const bearer = Buffer.from(JSON.stringify(Object.fromEntries(answer.headers))).toString('base64')
  t.equal(judge('{{bearer}}', bearer), '{{bearer}}')
  t.match(judge('{{bearer}}', Buffer.from('{"uid":"eve"}').toString('base64')), /not what the headers say/)
  t.equal(judge('{{expiry}}', '9000000000'), '{{expiry}}')
  t.match(judge('{{expiry}}', '8999999999'), /is before 9000000000/)
  t.match(judge('{{expiry}}', '1000000000'), /is over/)
  t.equal(judge('{{time}}', new Date().toISOString()), '{{time}}')
  t.match(judge('{{time}}', '2020-01-01T00:00:00.000Z'), /not about then/)
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
  t.equal(judge('{{time in 14 days}}', inDays(14)), '{{time in 14 days}}')
  t.match(judge('{{time in 1 day}}', inDays(14)), /not about then/)
  t.equal(judge('{{atom}}', inDays(0).replace(/\.\d+Z/, '+00:00')), '{{atom}}')
  t.equal(judge('{{atom}}', '2026-01-01T00:00:00.000Z'), '2026-01-01T00:00:00.000Z', 'another form')
  t.equal(judge('{{seconds 90}}', '89.75'), '{{seconds 90}}')
  for (const other of ['90.1', '29']) t.match(judge('{{seconds 90}}', other), /not about so much/)
  t.equal(judge('{{request-id}}', 'abc-1'), '{{request-id}}')
  t.match(judge('{{request-id}}', 'abc-1'), /has been there before/)
})

t.test('an answer must be what is written, all of it and nothing else', async (t) => {
  const expected = {
    start: 'HTTP/1.1 200 OK',
    headers: ['b: 2', 'a: 1'],
    body: '{"x": [{"y": "z"}], "n": 1}',
  }
  const right: Answer = {
    status: 'HTTP/1.1 200 OK',
    headers: [
      ['a', '1'],
      ['date', 'now'],
      ['b', '2'],
    ],
    body: '{"n":1,"x":[{"y":"z"}]}',
  }
  const shown = (answer: Answer) => showAnswer(answer, expected, createPlaceholders())
  t.strictSame(shown(right), showExpected(expected))

  const id = '94f10f9b-2139-4f31-ab57-52ac175b9acc'
  const keyed = { ...expected, body: '{"{{uuid a}}": "{{seconds 9}}"}' }
  const keyedAnswer = { ...right, body: JSON.stringify({ [id]: 8.5 }) }
  t.strictSame(showAnswer(keyedAnswer, keyed, createPlaceholders()), showExpected(keyed), 'keys and numbers')

  const wrong: Record<string, Partial<Answer>> = {
    'another status': { status: 'HTTP/1.1 201 Created' },
    'a header too few': { headers: right.headers.slice(1) },
    'a header too many': { headers: [...right.headers, ['etag', '"1"']] },
    'a header twice': { headers: [...right.headers, ['a', '1']] },
    'another value': { headers: [['a', '1 '], ...right.headers.slice(1)] },
    'a header in another case': { headers: [['A', '1'], ...right.headers.slice(1)] },
    'a key too many': { body: '{"n":1,"x":[{"y":"z","extra":null}]}' },
    'a key too few': { body: '{"x":[{"y":"z"}]}' },
    'an item too many': { body: '{"n":1,"x":[{"y":"z"},null]}' },
    'an item too few': { body: '{"n":1,"x":[]}' },
    'another type': { body: '{"n":"1","x":[{"y":"z"}]}' },
    'no JSON': { body: 'ok' },
    'no body': { body: '' },
  }
  for (const [what, difference] of Object.entries(wrong))
    t.strictNotSame(shown({ ...right, ...difference }), showExpected(expected), what)
})
