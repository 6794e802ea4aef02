/**
 * Placeholders of transcripts: what differs from run to run.
 *
 * | placeholder                       | in an answer matches                                                   |
 * |-----------------------------------|------------------------------------------------------------------------|
 * | `{{token a}}`                     | a countersigned token, from then on only that one, by no other name    |
 * | `{{handle a}}`                    | the public name of a session, likewise                                 |
 * | `{{bearer}}` `{{bearer a}}`       | base64 of the five token headers of its own answer, in devise's order  |
 * | `{{expiry}}`                      | epoch seconds in the future, never decreasing in a session              |
 * | `{{jwt a}}` `{{uuid a}}`          | a JWT; a UUID: likewise                                                |
 * | `{{event a}}` `{{kid a}}`         | the id of an event, of a signing key: likewise                         |
 * | `{{vapid a}}`                     | the public key that signs push messages: likewise                      |
 * | `{{epoch}}`                       | epoch seconds, to a minute                                             |
 * | `{{time}}` `{{time in 90 days}}`  | ISO 8601 in UTC with milliseconds, to a minute                         |
 * | `{{atom}}` `{{atom in 183 days}}` | RFC 3339 in whole seconds, as `2020-08-29T12:00:00+00:00`, to a minute |
 * | `{{seconds 5400}}`                | a number: so much, or up to a minute less                              |
 * | `{{request-id}}`                  | a request id; every answer has another                                 |
 *
 * In a request those with a name stand for what an answer had; `{{forged a}}` is token a with one bit of its MAC changed,
 * `{{base64 text}}` is the text in base64, `{{repeat 100 text}}` the text a hundred times.
 */
import { type Answer, headerOf } from './exchange.js'

const PLACEHOLDER = /\{\{([^{}]+)\}\}/g
const RECENTLY_MS = 60_000
const DAY_MS = 86_400_000

/** Whose name tells one from another. */
const named = /^(token|handle|jwt|uuid|event|kid|vapid)$/
/** What may be said of a time. */
const ahead = /^in (\d+) days?$/

const forms: Readonly<Record<string, string>> = {
  token: 'cst_[A-Za-z0-9_-]{54}[AEIMQUYcgkosw048]',
  handle: '[A-Za-z0-9_-]{21}[AQgw]',
  bearer: '[A-Za-z0-9+/]+={0,2}',
  expiry: '[0-9]{10}',
  epoch: '[0-9]{10}',
  jwt: 'eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+',
  uuid: '[\\da-f]{8}(?:-[\\da-f]{4}){3}-[\\da-f]{12}',
  kid: '[\\w-]{43}',
  vapid: 'B[\\w-]{86}',
  event: '\\d{13}-\\d+',
  time: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z',
  atom: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\+00:00',
  seconds: '\\d+(?:\\.\\d+)?',
  'request-id': '[\\w.:/+=-]{1,128}',
}

export interface Placeholders {
  /** @returns `text` with what its placeholders stand for. @throws Error for one that stands for nothing yet */
  fill(text: string): string
  /** @returns `template` when `actual`, a string in `answer`, matches it; else `actual`, and why where that is not plain */
  match(template: string, actual: string, answer: Answer): string
}

/** Begins with nothing known. */
export function createPlaceholders(): Placeholders {
  const known = new Map<string, string>()
  const requestIds = new Set<string>()
  /** By session. */
  const latestExpiry = new Map<string, number>()

  function standsFor(placeholder: string): string {
    const [kind = '', name = '', ...rest] = placeholder.split(' ')
    if (kind === 'repeat') return rest.join(' ').repeat(Number(name))
    if (kind === 'base64') return Buffer.from([name, ...rest].join(' ')).toString('base64')
    if (kind === 'forged') return forge(standsFor(`token ${name}`))
    const value = known.get(placeholder)
    if (value === undefined) throw new Error(`{{${placeholder}}} stands for nothing yet`)
    return value
  }

  /** @returns why `value` cannot be `placeholder`, which stands for it from now on if it can */
  function learn(placeholder: string, value: string, answer: Answer): string | undefined {
    const [kind = '', ...rest] = placeholder.split(' ')
    switch (kind) {
      case 'expiry': {
        const session = headerOf(answer, 'client') ?? ''
        const latest = latestExpiry.get(session) ?? 0
        if (Number(value) * 1000 <= Date.now()) return 'is over'
        if (Number(value) < latest) return `is before ${latest}`
        latestExpiry.set(session, Number(value))
        return undefined
      }
      case 'epoch':
        return Math.abs(Date.now() - Number(value) * 1000) > RECENTLY_MS ? 'is not about now' : undefined
      case 'time':
      case 'atom': {
        const aheadMs = Number(ahead.exec(rest.join(' '))?.[1] ?? 0) * DAY_MS
        return Math.abs(Date.now() + aheadMs - Date.parse(value)) > RECENTLY_MS
          ? 'is not about then'
          : undefined
      }
      case 'seconds':
        return Number(value) <= Number(rest[0]) && Number(value) > Number(rest[0]) - RECENTLY_MS / 1000
          ? undefined
          : 'is not about so much'
      case 'request-id':
        if (requestIds.has(value)) return 'has been there before'
        requestIds.add(value)
        return undefined
      case 'bearer':
        if (rest.length > 0) known.set(placeholder, value)
        return value === bearerOf(answer) ? undefined : 'is not what the headers say'
    }
    const before = known.get(placeholder)
    if (before === undefined) {
      const twin = [...known].find(([, other]) => other === value)
      if (twin !== undefined) return `is {{${twin[0]}}}`
    } else if (before !== value) return `was ${before}`
    known.set(placeholder, value)
    return undefined
  }

  return {
    fill: (text) => text.replaceAll(PLACEHOLDER, (_, placeholder: string) => standsFor(placeholder)),

    match(template, actual, answer) {
      const parts = template.split(PLACEHOLDER)
      const placeholders = parts.filter((_, index) => index % 2 === 1)
      const pattern = parts.map((part, index) => (index % 2 === 0 ? escapeRegExp(part) : `(${formOf(part)})`))
      const found = new RegExp(`^${pattern.join('')}$`).exec(actual)
      if (found === null) return actual
      for (const [index, placeholder] of placeholders.entries()) {
        const problem = learn(placeholder, found[index + 1] ?? '', answer)
        if (problem !== undefined) return `${actual} (${problem})`
      }
      return template
    },
  }
}

function formOf(placeholder: string): string {
  const [kind = '', ...rest] = placeholder.split(' ')
  const form = forms[kind]
  if (form === undefined || !mayFollow(kind, rest.join(' ')))
    throw new Error(`there is no placeholder {{${placeholder}}}`)
  return form
}

function mayFollow(kind: string, rest: string): boolean {
  if (named.test(kind)) return /^\S+$/.test(rest)
  if (kind === 'bearer') return /^\S*$/.test(rest)
  if (kind === 'time' || kind === 'atom') return rest === '' || ahead.test(rest)
  return kind === 'seconds' ? /^\d+$/.test(rest) : rest === ''
}

const escapeRegExp = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Changes one bit of the MAC, which ends the token, in the last character but one: the last has only one spelling. */
function forge(token: string): string {
  return token.slice(0, -2) + (token.at(-2) === 'A' ? 'B' : 'A') + token.slice(-1)
}

function bearerOf(answer: Answer): string {
  const names = ['access-token', 'token-type', 'client', 'expiry', 'uid']
  const fields = Object.fromEntries(names.map((name) => [name, headerOf(answer, name)]))
  return Buffer.from(JSON.stringify(fields)).toString('base64')
}
