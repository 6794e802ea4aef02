/** RFC 9457 problem documents: the envelope of every route that belongs to no dialect. */
import { STATUS_CODES } from 'node:http'
import { Type } from '../typebox.js'
import type { Envelope } from './dialect.js'

const ProblemDetails = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
  },
  { title: 'ProblemDetails' },
)

export const problemDetails: Envelope = {
  schema: ProblemDetails,
  mediaType: 'application/problem+json',
  render: ({ status, message }) => ({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: message,
  }),
}
