/** The body of an OAuth request: a form in which no parameter stands twice (RFC 6749 section 3.1). */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpProblem } from '../http-problem.js'

/**
 * Takes forms only. One in which a parameter stands twice is refused with 400, which does not say which it is: a token without its
 * name would be one.
 */
export function readForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => {
      const form = new URLSearchParams(body)
      const isClear = new Set(form.keys()).size === form.size
      done(isClear ? null : new HttpProblem(400, 'A parameter is there more than once.'), form)
    },
  )
}

/** @returns the form of `request`, an empty one when it has none */
export const formOf = ({ body }: FastifyRequest): URLSearchParams =>
  body instanceof URLSearchParams ? body : new URLSearchParams()

/** @returns the parameter `token`. @throws HttpProblem 400 without one, which an empty one is (RFC 6749 section 3.1) */
export function tokenOf(form: URLSearchParams): string {
  const token = form.get('token')
  if (token === null || token === '')
    throw new HttpProblem(400, 'token must be given, in a form-encoded body.')
  return token
}
