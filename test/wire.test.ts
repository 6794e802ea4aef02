/** Plays every transcript of `test/wire/` against a service of its own: what is written there is what goes over the wire. */
import { readdir, readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { type Answer, headerOf, readAnswer, sendRaw } from './support/exchange.js'
import { createPlaceholders, type Placeholders } from './support/placeholders.js'
import { startService } from './support/service.js'
import { type Exchange, type Message, parseTranscript } from './support/transcript.js'

const folder = new URL('wire/', import.meta.url)
/** What frames a message, and what is about the connection. */
const framing = new Set(['date', 'connection', 'keep-alive', 'content-length'])

const files = (await readdir(folder)).sort()
t.ok(files.length > 0)
for (const file of files)
  t.test(file, async (t) => {
    const transcript = parseTranscript(await readFile(new URL(file, folder), 'utf8'))
    const service = await startService(t, { env: transcript.config })
    for (const account of transcript.accounts) await service.addAccount(account)
    const placeholders = createPlaceholders()
    for (const exchange of transcript.exchanges) await play(t, service.port, file, exchange, placeholders)
  })

async function play(t: Test, port: number, file: string, exchange: Exchange, placeholders: Placeholders) {
  const answer = readAnswer(await sendRaw(port, formatRequest(exchange.request, placeholders)))
  const length = headerOf(answer, 'content-length')
  if (length !== undefined && !exchange.request.start.startsWith('HEAD '))
    t.equal(Buffer.byteLength(answer.body), Number(length), 'content-length is the length of the body')
  t.strictSame(
    show(answer, exchange.answer, placeholders),
    showExpected(exchange.answer),
    `test/wire/${file}:${exchange.line} ${exchange.name}`,
  )
}

function formatRequest({ start, headers, body }: Message, { fill }: Placeholders): string {
  const content = fill(body)
  const quoted = (name: string) => headers.some((header) => header.toLowerCase().startsWith(`${name}:`))
  const added = [
    ...(quoted('host') || start.endsWith('HTTP/1.0') ? [] : ['Host: countersign.test']),
    ...(quoted('connection') ? [] : ['Connection: close']),
    ...(quoted('content-length') || content === '' ? [] : [`Content-Length: ${Buffer.byteLength(content)}`]),
  ]
  return [fill(start), ...headers.map(fill), ...added, '', content].join('\r\n')
}

interface Shown {
  status: string
  headers: string[]
  body: unknown
}

function showExpected({ start, headers, body }: Message): Shown {
  return { status: start, headers: [...headers].sort(), body: /^[[{]/.test(body) ? JSON.parse(body) : body }
}

/** The answer as a transcript would write it: with placeholders wherever it is what they stand for. */
function show(answer: Answer, expected: Message, { match }: Placeholders): Shown {
  const wanted = [...expected.headers]
  const headers = answer.headers
    .filter(([name]) => !framing.has(name.toLowerCase()))
    .map(([name, value]) => {
      const index = wanted.findIndex((header) => header.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      const [header = ''] = index < 0 ? [] : wanted.splice(index, 1)
      return match(header, `${name}: ${value}`, answer)
    })
  const json = [answer.body, expected.body].every((body) => /^[[{]/.test(body))
  const body = json ? showJson(JSON.parse(answer.body), JSON.parse(expected.body)) : answer.body
  return { status: answer.status, headers: headers.sort(), body }

  function showJson(actual: unknown, template: unknown): unknown {
    if (typeof actual === 'string' && typeof template === 'string') return match(template, actual, answer)
    if (Array.isArray(actual) && Array.isArray(template))
      return actual.map((item, index) => showJson(item, template[index]))
    if (!isObject(actual) || !isObject(template)) return actual
    return Object.fromEntries(
      Object.entries(actual).map(([key, value]) => [key, showJson(value, template[key])]),
    )
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
