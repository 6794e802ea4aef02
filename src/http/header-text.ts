/** Header values are bytes: ours are UTF-8, and Node reads and writes them as Latin-1. */
import type { onSendHookHandler } from 'fastify'

const isAscii = (text: string) => !/[\u0080-\uffff]/.test(text)

/** @returns `text` in the form that Node writes as UTF-8 bytes */
export const headerText = (text: string): string =>
  isAscii(text) ? text : Buffer.from(text).toString('latin1')

/** @returns the text whose UTF-8 bytes Node has read as `value` */
export const textOfHeader = (value: string): string =>
  isAscii(value) ? value : Buffer.from(value, 'latin1').toString('utf8')

/**
 * An onSend hook for every scope that sends `tokenHeaders`. Node writes headers together with a body that is a string,
 * and in its encoding: the bytes of a uid beyond ASCII would be encoded once more. Beside bytes they go out as they are.
 */
export const keepHeaderBytes: onSendHookHandler = (_request, reply, payload, done) => {
  const uid = reply.getHeader('uid')
  const isAtRisk = typeof payload === 'string' && typeof uid === 'string' && !isAscii(uid)
  done(null, isAtRisk ? Buffer.from(payload) : payload)
}
