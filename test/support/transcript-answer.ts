/** An answer beside what a transcript expects of it, in one shape, so that what differs is seen at a glance. */
import type { Answer } from './exchange.js'
import type { Placeholders } from './placeholders.js'
import type { Message } from './transcript.js'

export interface Shown {
  status: string
  headers: string[]
  body: unknown
}

/** What frames a message, and what is about the connection. */
const framing = new Set(['date', 'connection', 'keep-alive', 'content-length'])
const JSON_FORM = /^[[{]/

export function showExpected({ start, headers, body }: Message): Shown {
  return { status: start, headers: [...headers].sort(), body: JSON_FORM.test(body) ? JSON.parse(body) : body }
}

/** The answer as the transcript would write it: with placeholders wherever it is what they stand for. */
export function showAnswer(answer: Answer, expected: Message, { match }: Placeholders): Shown {
  const wanted = [...expected.headers]
  const headers = answer.headers
    .filter(([name]) => !framing.has(name.toLowerCase()))
    .map(([name, value]) => {
      const index = wanted.findIndex((header) => header.startsWith(`${name}:`))
      const [header = ''] = index < 0 ? [] : wanted.splice(index, 1)
      return match(header, `${name}: ${value}`, answer)
    })
  const isJson = [answer.body, expected.body].every((body) => JSON_FORM.test(body))
  const body = isJson ? show(JSON.parse(answer.body), JSON.parse(expected.body)) : answer.body
  return { status: answer.status, headers: headers.sort(), body }

  function show(actual: unknown, template: unknown): unknown {
    if (typeof actual === 'string' && typeof template === 'string') return match(template, actual, answer)
    if (typeof actual === 'number' && typeof template === 'string') {
      const shown = match(template, String(actual), answer)
      return shown === template ? shown : actual
    }
    if (Array.isArray(actual) && Array.isArray(template))
      return actual.map((item, index) => show(item, template[index]))
    if (!isObject(actual) || !isObject(template)) return actual
    const names = Object.keys(template)
    return Object.fromEntries(
      Object.entries(actual).map(([key, value]) => {
        const name = names.find((name) => match(name, key, answer) === name) ?? key
        return [name, show(value, template[name])]
      }),
    )
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
