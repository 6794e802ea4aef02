/** Bodies that are wrong in themselves, on every route, beside a good credential: refused before anything else happens. */
import t from 'tap'
import { type RawRequest, sources } from '../support/bad-requests.js'
import { ask, type Expected, prepare, refuses } from '../support/refusals.js'

const routes = [
  ['POST', '/auth/sign_in'],
  ['GET', '/auth/validate_token'],
  ['DELETE', '/auth/sign_out'],
  ['POST', '/auth'],
  ['PUT', '/auth'],
  ['DELETE', '/auth'],
  ['PATCH', '/auth/password'],
] as const

const JSON_TYPE = 'Content-Type: application/json'
const failure = (error: string) => ({ success: false, errors: [error] })
const notJson: Expected = { status: '400 Bad Request', body: failure('The request body is not valid JSON.') }
const notAnObject: Expected = {
  status: '400 Bad Request',
  body: failure('The request body must be a JSON object.'),
}
const tooLarge: Expected = {
  status: '413 Payload Too Large',
  body: failure('The request body is too large.'),
}
const wrongType: Expected = {
  status: '415 Unsupported Media Type',
  body: failure('Bodies of this Content-Type are not read here.'),
}

const MEBIBYTE = 1024 * 1024
/** The announced megabyte is enough to be refused; it need not be sent. */
const announced = (type: string) => ({ headers: [type, `Content-Length: ${MEBIBYTE}`], body: 'a=b' })
const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`.repeat(1000)

const bodies: Readonly<Record<string, [RawRequest, Expected]>> = {
  'JSON cut off': [{ headers: [JSON_TYPE], body: '{"email": "ada@example.com"' }, notJson],
  'JSON with a trailing comma': [{ headers: [JSON_TYPE], body: '{"email": "a",}' }, notJson],
  'no JSON at all': [{ headers: [JSON_TYPE], body: 'email=ada%40example.com' }, notJson],
  'JSON in bytes that are no UTF-8': [
    { headers: [JSON_TYPE], body: Buffer.from('c3287b7d', 'hex') },
    notJson,
  ],
  'NUL behind JSON': [{ headers: [JSON_TYPE], body: '{}\0' }, notJson],
  __proto__: [{ headers: [JSON_TYPE], body: '{"__proto__": {"admin": true}}' }, notJson],
  '__proto__ in the depth': [{ headers: [JSON_TYPE], body: '{"a": [{"__proto__": 1}]}' }, notJson],
  'constructor.prototype': [{ headers: [JSON_TYPE], body: '{"constructor": {"prototype": {}}}' }, notJson],
  'a list': [{ headers: [JSON_TYPE], body: '[{"email": "ada@example.com"}]' }, notAnObject],
  'a string': [{ headers: [JSON_TYPE], body: '"ada@example.com"' }, notAnObject],
  'a number': [{ headers: [JSON_TYPE], body: '7' }, notAnObject],
  null: [{ headers: [JSON_TYPE], body: 'null' }, notAnObject],
  'deep lists': [{ headers: [JSON_TYPE], body: '['.repeat(30_000) + ']'.repeat(30_000) }, notAnObject],
  'deep lists cut off': [{ headers: [JSON_TYPE], body: '['.repeat(60_000) }, notJson],
  XML: [{ headers: ['Content-Type: application/xml'], body: '<a/>' }, wrongType],
  multipart: [{ headers: ['Content-Type: multipart/form-data; boundary=x'], body: '--x--' }, wrongType],
  'plain text': [{ headers: ['Content-Type: text/plain'], body: '{}' }, wrongType],
  'a type that is none': [{ headers: ['Content-Type: json'], body: '{}' }, wrongType],
  'no type': [{ body: '{}' }, wrongType],
  'a type that only begins like JSON': [
    { headers: ['Content-Type: application/jsonp'], body: '{}' },
    wrongType,
  ],
  '1 MB of JSON': [announced(JSON_TYPE), tooLarge],
  '1 MB of a form': [announced('Content-Type: application/x-www-form-urlencoded'), tooLarge],
  '64 KiB and one byte': [{ headers: [JSON_TYPE], body: `{"a":"${'x'.repeat(65_536 - 7)}"}` }, tooLarge],
  '1 MB in chunks': [
    { headers: [JSON_TYPE, 'Transfer-Encoding: chunked'], body: chunked('x'.repeat(1000)) },
    tooLarge,
  ],
}

t.test('bodies that cannot be read', async (t) => {
  const { service, good } = await prepare(t, { COUNTERSIGN_SIGN_UP: 'open' })
  const credential = sources.header?.(good).headers ?? []
  for (const [method, path] of routes)
    for (const [what, [{ headers = [], body = '' }, expected]] of Object.entries(bodies)) {
      const request = { method, path, headers: [...credential, ...headers], body }
      await refuses(t, service, `${method} ${path}: ${what}`, request, expected)
    }
  const { status } = await ask(service, { headers: credential })
  t.equal(status, 'HTTP/1.1 200 OK', 'and the session is as it was')
})

const wrongValues: Readonly<Record<string, unknown>> = {
  number: 7,
  true: true,
  object: { $ne: null },
  list: ['a'],
  null: null,
  '10 kB': 'x'.repeat(10_000),
}
const mustBe = (name: string, what: string) =>
  what === '10 kB' ? `${name} must not have more than 1024 characters.` : `${name} must be a string.`

t.test('parameters of a wrong type, by name', async (t) => {
  const { service, good } = await prepare(t, { COUNTERSIGN_SIGN_UP: 'open' })
  const credential = sources.header?.(good).headers ?? []
  const fields: [method: string, path: string, names: string[]][] = [
    ['POST', '/auth/sign_in', ['email', 'uid', 'username', 'password']],
    ['POST', '/auth', ['email', 'password', 'password_confirmation']],
    ['PUT', '/auth', ['email', 'password', 'password_confirmation', 'current_password']],
    ['PUT', '/auth/password', ['password', 'password_confirmation', 'current_password']],
  ]
  for (const [method, path, names] of fields)
    for (const name of names)
      for (const [what, value] of Object.entries(wrongValues)) {
        const body = JSON.stringify({ name: 'Ada', [name]: value })
        const request = { method, path, headers: [...credential, JSON_TYPE], body }
        const expected = {
          status: '400 Bad Request',
          body: failure(mustBe(name, what)),
          ...(method === 'PUT' && { refusedBy: 'handler' as const }),
        }
        await refuses(t, service, `${method} ${path}: ${name} is ${what}`, request, expected)
      }
})

/** Attributes are free JSON, and that is what can be wrong with them. */
const attributes: Readonly<Record<string, [json: string, problem: string]>> = {
  'deep lists': [
    `{"a": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    'are nested too deeply (maximum is 5 levels)',
  ],
  'deep objects': [
    `{"a": ${'{"a":'.repeat(6)}1${'}'.repeat(6)}}`,
    'are nested too deeply (maximum is 5 levels)',
  ],
  'many names': [
    JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`a${i}`, 1]))),
    'are too many (maximum is 64)',
  ],
  'much text': [JSON.stringify({ a: 'x'.repeat(8200) }), 'are too large (maximum is 8192 bytes)'],
  'a dangerous name': ['{"a": {"constructor": 1}}', 'may not contain "constructor"'],
  'a name of ours': ['{"suspended": false}', 'may not contain "suspended"'],
}

t.test('attributes that are not accepted', async (t) => {
  const { service, good } = await prepare(t, { COUNTERSIGN_SIGN_UP: 'open' })
  const credential = sources.header?.(good).headers ?? []
  const password = 'a ship in port'
  service.secrets.guard(password)
  for (const [what, [json, problem]] of Object.entries(attributes)) {
    const errors = { attributes: [problem], full_messages: [`Attributes ${problem}`] }
    const update = { method: 'PUT', path: '/auth', headers: [...credential, JSON_TYPE], body: json }
    const refused = {
      status: '422 Unprocessable Entity',
      refusedBy: 'handler' as const,
      body: { status: 'error', errors },
    }
    await refuses(t, service, `PUT /auth: ${what}`, update, refused)

    const body = `{"email": "eve@example.com", "password": "${password}", ${json.slice(1)}`
    const answer = await ask(service, { method: 'POST', path: '/auth', headers: [JSON_TYPE], body })
    t.equal(answer.status, 'HTTP/1.1 422 Unprocessable Entity', `POST /auth: ${what}`)
    t.match(JSON.parse(answer.body), { status: 'error', errors }, `POST /auth: ${what}`)
    t.equal(await service.accounts.find('eve@example.com'), undefined)
  }
})
