/** Everything that a client's call may throw, in one class with a code for machines. */

/**
 * `timeout` and `unreachable`: no answer, and whether anything was done is unknown. `unavailable`: 503 and 429. `refused`: the
 * credentials are wrong or not enough (401, 403). `invalid`: other 4xx. `unexpected`: 500, and what is no answer of ours.
 */
export type ErrorCode = 'timeout' | 'unreachable' | 'unavailable' | 'refused' | 'invalid' | 'unexpected'

/** What is known of the answer, if there was one. */
interface Circumstances {
  status?: number | undefined
  retryAfterMs?: number | undefined
  cause?: unknown
}

export class CountersignError extends Error {
  override readonly name = 'CountersignError'
  readonly status: number | undefined
  /** When to try again, if the service said so. */
  readonly retryAfterMs: number | undefined

  constructor(
    readonly code: ErrorCode,
    message: string,
    { status, retryAfterMs, cause }: Circumstances = {},
  ) {
    super(message, cause === undefined ? {} : { cause })
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** @returns what a `fetch` has failed with, or the reading of what it brought */
export function noAnswer(cause: unknown, timeoutMs: number): CountersignError {
  return cause instanceof DOMException && cause.name === 'TimeoutError'
    ? new CountersignError('timeout', `No answer within ${timeoutMs} ms.`, { cause })
    : new CountersignError('unreachable', 'The service cannot be reached.', { cause })
}

/** @returns what an answer that is not good says, in the service's own words where it has some */
export async function problemOf(response: Response): Promise<CountersignError> {
  const { status, headers } = response
  const retryAfter = headers.get('retry-after')
  const problem: unknown = await response.json().catch(() => undefined)
  const told = readText(problem, 'detail') ?? readText(problem, 'error_description')
  return new CountersignError(codeOf(status), told ?? `The service answered ${status}.`, {
    status,
    retryAfterMs: retryAfter === null ? undefined : Number(retryAfter) * 1000,
  })
}

function codeOf(status: number): ErrorCode {
  if (status === 503 || status === 429) return 'unavailable'
  if (status === 401 || status === 403) return 'refused'
  return status >= 400 && status < 500 ? 'invalid' : 'unexpected'
}

function readText(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const text: unknown = Object.entries(value).find(([key]) => key === name)?.[1]
  return typeof text === 'string' ? text : undefined
}
