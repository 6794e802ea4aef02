/** RFC 9457 problem documents: the envelope of every route that belongs to no dialect. */
import { STATUS_CODES } from 'node:http'
import type { Envelope } from './dialect.js'

export const problemDetails: Envelope = {
  mediaType: 'application/problem+json',
  render: ({ status, message }) => ({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: message,
  }),
}
