/**
 * Bytes that are no request, or not in time: there is no route, no dialect and no request id yet. What was received is
 * not logged, not even at trace level: Node attaches the raw packet to the error, and tokens stand in it.
 */
import type { Socket } from 'node:net'
import type { ConnectionError } from 'fastify'
import { problemDetails } from './problem-details.js'

/** Node's codes; everything else is a malformed request. */
const problems: Readonly<Record<string, { status: number; message: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The request headers are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request did not arrive in time.' },
}
const malformed = { status: 400, message: 'The request is not valid HTTP.' }

/** Answers on the bare socket and closes it. */
export function answerUnreadable(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, message } = problems[error.code] ?? malformed
  const problem = problemDetails.render({ status, message, headers: {} })
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${status} ${'title' in problem ? problem.title : ''}`,
    'cache-control: no-store',
    `content-type: ${problemDetails.mediaType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
