/** Plays every transcript of `test/wire/` against a service of its own: what is written there is what goes over the wire. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { inCheckout } from './support/checkout.js'
import { headerOf, readAnswer, sendRaw } from './support/exchange.js'
import { createPlaceholders, type Placeholders } from './support/placeholders.js'
import { startService } from './support/service.js'
import { type Exchange, type Message, parseTranscript } from './support/transcript.js'
import { showAnswer, showExpected } from './support/transcript-answer.js'

const folder = inCheckout('test/wire')
const files = (await readdir(folder)).sort()
t.ok(files.length > 0)

/** What the transcripts take for the public network: an address of RFC 5737, where nobody is. */
const pushReach = {
  isPublic: (ip: string) => ip === '192.0.2.7',
  resolve: async (host: string) =>
    ({ 'push.example.net': ['192.0.2.7'], 'inside.example.net': ['10.0.0.7'] })[host] ?? [],
}

for (const file of files)
  t.test(file, async (t) => {
    const transcript = parseTranscript(await readFile(join(folder, file), 'utf8'))
    const service = await startService(t, { env: transcript.config, pushReach })
    for (const account of transcript.accounts) await service.addAccount(account)
    const placeholders = createPlaceholders()
    for (const exchange of transcript.exchanges) await play(t, service.port, file, exchange, placeholders)
  })

async function play(t: Test, port: number, file: string, exchange: Exchange, placeholders: Placeholders) {
  const where = `test/wire/${file}:${exchange.line} ${exchange.name}`
  const answer = readAnswer(await sendRaw(port, formatRequest(exchange.request, placeholders)))
  t.strictSame(showAnswer(answer, exchange.answer, placeholders), showExpected(exchange.answer), where)
  const length = headerOf(answer, 'content-length') ?? '0'
  if (!exchange.request.start.startsWith('HEAD '))
    t.equal(Buffer.byteLength(answer.body), Number(length), `${where}: the body is as long as announced`)
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
