/** Request ids: a gateway's own, when it looks like one, so that its log and ours can be read side by side. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const FORM = /^[\w.:/+=-]{1,128}$/

/** @returns a generator of ids: `x-request-id` where the request has a sane one, else a process prefix and a counter */
export function requestIds(): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = randomBytes(6).toString('base64url')
  let counter = 0
  return ({ headers }) => {
    const given = headers['x-request-id']
    if (typeof given === 'string' && FORM.test(given)) return given
    counter += 1
    return `${prefix}-${counter.toString(36)}`
  }
}
