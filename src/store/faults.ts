/** The one place where Redis' and ioredis' errors become `StoreUnavailable`. */
import { StoreUnavailable } from '../errors.js'
import { inTime } from './patience.js'

/** First words of replies by which a healthy Redis says that it cannot work now, or not for writes. */
const passing = new Set([
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
])

/**
 * What `error` is for our callers. Whatever is no reply comes from the connection: refused, reset, timed out, closing.
 * Replies other than the passing ones are bugs of ours (a script, a type of key) and stay what they are.
 */
export function toFault(error: unknown): unknown {
  if (error instanceof Error && error.name === 'ReplyError' && !passing.has(firstWord(error.message)))
    return error
  return error instanceof StoreUnavailable ? error : new StoreUnavailable(error)
}

/** @returns the word that a Redis error reply begins with: `OOM`, `READONLY`, `ERR` */
export function firstWord(message: string): string {
  return message.slice(0, message.search(/\s|$/))
}

/** Waits for what Redis says. @throws StoreUnavailable when it cannot say it */
export async function orUnavailable<T>(reply: Promise<T>): Promise<T> {
  try {
    return await inTime(reply)
  } catch (error) {
    throw toFault(error)
  }
}
