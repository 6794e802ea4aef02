/** Translates whatever was thrown into status and words, once, at the edge. Dialects only choose the envelope. */
import type { FastifyError } from 'fastify'
import { Overloaded, StoreUnavailable } from '../errors.js'

/** A failed request in no dialect yet. */
export interface Problem {
  status: number
  message: string
  headers: Readonly<Record<string, string>>
}

/** Framework errors in words that tell the caller how to mend the request. */
const messages: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'The request body is not valid JSON.',
  FST_ERR_CTP_BODY_TOO_LARGE: 'The request body is too large.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'Bodies of this Content-Type are not read here.',
  FST_ERR_BAD_URL: 'The path is not valid.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'Content-Length does not match the body.',
}

/** @returns what to answer; anything that is not known to be the caller's doing is a plain 500 without details */
export function describeFault(error: FastifyError | Error): Problem {
  if (error instanceof StoreUnavailable || error instanceof Overloaded)
    return {
      status: 503,
      message: `${error.message} Try again.`,
      headers: { 'retry-after': String(error.retryAfterSeconds) },
    }
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500
  if (status < 400 || status >= 500)
    return { status: 500, message: 'Something went wrong on our side.', headers: {} }
  const known = 'code' in error ? messages[error.code] : undefined
  return { status, message: known ?? error.message, headers: {} }
}
