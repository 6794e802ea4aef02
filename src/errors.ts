/**
 * The faults: what is wrong with us rather than with the request. Refusals are values (`session.ts`);
 * nothing else throws on purpose.
 */

/** The store did not answer, or answered that it cannot work now. Whether a write happened is unknown. */
export class StoreUnavailable extends Error {
  /** Read by Fastify and by @fastify/basic-auth, which would otherwise call an outage a wrong password. */
  readonly statusCode = 503
  readonly code = 'STORE_UNAVAILABLE'
  readonly retryAfterSeconds = 1

  constructor(cause: unknown) {
    super('The session store is not available.', { cause })
  }
}

/** More work of one costly sort (password hashing) is waiting than could be done in good time. */
export class Overloaded extends Error {
  readonly statusCode = 503
  readonly code = 'OVERLOADED'
  readonly retryAfterSeconds = 1

  constructor(what: string) {
    super(`Too much ${what} at once.`)
  }
}
