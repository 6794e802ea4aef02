/** A request that was understood and cannot be met, thrown by handlers and rendered by the envelope of their dialect. */
export class HttpProblem extends Error {
  constructor(
    readonly statusCode: 400 | 403 | 404 | 409 | 422 | 429,
    message: string,
  ) {
    super(message)
  }
}

export const noSuchAccount = () => new HttpProblem(404, 'There is no such account.')
export const noSuchSession = () => new HttpProblem(404, 'There is no such session.')
