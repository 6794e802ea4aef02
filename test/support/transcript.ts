/**
 * Transcripts of HTTP: what a protocol person would write down, and a machine can play.
 *
 *     # Title                                     first line; other lines with # are prose
 *     @config NAME=value                          environment of the service
 *     @account {"uid": …, "password": …}          exists before the first request
 *
 *     ### What happens
 *
 *     POST /auth/sign_in HTTP/1.1                 the request, verbatim
 *     Content-Type: application/json
 *
 *     {"email": …}
 *
 *     HTTP/1.1 200 OK                             the whole answer
 *     access-token: {{token a}}
 *
 *     {"data": …}
 *
 * Left out on both sides is what only frames a message: Host, Connection and Content-Length are added to a request that
 * does not quote them, and not shown in an answer, nor are Date and Keep-Alive. Headers have no order, JSON bodies are
 * compared as JSON, exactly. What differs from run to run stands in `{{placeholders}}`: see `placeholders.ts`.
 */
import type { NewAccount } from '../../src/accounts/accounts.js'

export interface Transcript {
  title: string
  config: Readonly<Record<string, string>>
  accounts: readonly NewAccount[]
  exchanges: readonly Exchange[]
}

export interface Exchange {
  name: string
  /** Of its `###`, for messages. */
  line: number
  request: Message
  answer: Message
}

/** A request or an answer as it is written: its first line, its header lines, its body or ''. */
export interface Message {
  start: string
  headers: readonly string[]
  body: string
}

const CONFIG = /^@config ([A-Z_]+)=(.*)$/
const ACCOUNT = /^@account (\{.*\})$/

/** @throws Error that names the line which is not understood */
export function parseTranscript(text: string): Transcript {
  const lines = text.split('\n')
  const starts = lines.flatMap((line, index) => (line.startsWith('### ') ? [index] : []))
  const exchanges = starts.map((start, i) => parseExchange(lines.slice(start, starts[i + 1]), start + 1))
  if (exchanges.length === 0) throw new Error('no exchange')
  return { ...parsePreamble(lines.slice(0, starts[0])), exchanges }
}

function parsePreamble([first = '', ...lines]: readonly string[]): Omit<Transcript, 'exchanges'> {
  if (!first.startsWith('# ')) throw new Error('line 1: a transcript begins with "# " and its title')
  const config: Record<string, string> = {}
  const accounts: NewAccount[] = []
  for (const [index, line] of lines.entries()) {
    const [, name, value] = CONFIG.exec(line) ?? []
    const [, account] = ACCOUNT.exec(line) ?? []
    if (name !== undefined && value !== undefined) config[name] = value
    else if (account !== undefined) accounts.push(JSON.parse(account) as NewAccount)
    else if (line !== '' && !line.startsWith('#'))
      throw new Error(`line ${index + 2}: not understood: ${line}`)
  }
  return { title: first.slice(2), config, accounts }
}

function parseExchange([heading = '', ...lines]: readonly string[], line: number): Exchange {
  const name = heading.slice(4)
  while (lines[0] === '' || lines[0]?.startsWith('#')) lines.shift()
  const middle = lines.findIndex((text) => /^HTTP\/1\.\d \d{3} /.test(text))
  if (middle < 1) throw new Error(`line ${line}: "${name}" is not a request and its answer`)
  const request = parseMessage(lines.slice(0, middle))
  if (!/^[A-Z]+ \/.* HTTP\/1\.[01]$/.test(request.start))
    throw new Error(`line ${line}: not a request: ${request.start}`)
  return { name, line, request, answer: parseMessage(lines.slice(middle)) }
}

function parseMessage(lines: readonly string[]): Message {
  const [start = '', ...rest] = lines
  const end = rest.indexOf('')
  const headers = end < 0 ? rest : rest.slice(0, end)
  const wrong = headers.find((header) => !/^[\w-]+:( |$)/.test(header))
  if (wrong !== undefined) throw new Error(`not a header: ${wrong}`)
  const body = end < 0 ? '' : rest.slice(end).join('\n').trim()
  return { start, headers, body }
}
