/** Requests as raw bytes, with a credential wherever devise's clients put one: tables of bad input are made of these. */

/** The three values of a credential; a list is the same name several times, undefined is absent. */
export type Fields = Readonly<Record<string, unknown>>

export interface RawRequest {
  method?: string
  path?: string
  headers?: readonly string[]
  body?: string | Buffer
  /** Another request follows on the same connection. */
  keepAlive?: boolean
}

/** @returns the bytes of a request; header lines are UTF-8. Content-Length is added where it is not told otherwise */
export function format(request: RawRequest): Buffer {
  const {
    method = 'GET',
    path = '/auth/validate_token',
    headers = [],
    body = '',
    keepAlive = false,
  } = request
  const length = Buffer.byteLength(body)
  const isFramed =
    length === 0 || headers.some((header) => /^(content-length|transfer-encoding):/i.test(header))
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: countersign.test',
    ...(keepAlive ? [] : ['Connection: close']),
    ...(isFramed ? [] : [`Content-Length: ${length}`]),
    ...headers,
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(head.join('\r\n')), Buffer.from(body)])
}

const values = (fields: Fields): [string, unknown][] =>
  Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined) return []
    return Array.isArray(value) ? value.map((one): [string, unknown] => [name, one]) : [[name, value]]
  })

/** JSON by hand, because a name may stand in it twice. */
const json = (fields: Fields) =>
  `{${values(fields)
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join(',')}}`

const form = (fields: Fields) =>
  values(fields)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join('&')

/** Where a credential may stand, each as what it adds to a request. */
export const sources: Readonly<Record<string, (fields: Fields) => RawRequest>> = {
  header: (fields) => ({ headers: values(fields).map(([name, value]) => `${name}: ${value}`) }),
  query: (fields) => ({ path: `/auth/validate_token?${form(fields)}` }),
  form: (fields) => ({ headers: ['Content-Type: application/x-www-form-urlencoded'], body: form(fields) }),
  json: (fields) => ({ headers: ['Content-Type: application/json'], body: json(fields) }),
  bearer: (fields) => ({
    headers: [`Authorization: Bearer ${Buffer.from(json(fields)).toString('base64')}`],
  }),
}
