/** The body of an OAuth request: a form in which no parameter stands twice (RFC 6749 section 3.1). */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpProblem } from '../http-problem.js'

/** Takes forms only, and keeps them as they came, so that a doubled parameter is seen. */
export function readForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, new URLSearchParams(body)),
  )
}

/**
 * @returns the form of `request`
 * @throws HttpProblem 400 when a parameter stands twice. It does not say which: a token without its name would be one
 */
export function formOf(request: FastifyRequest): URLSearchParams {
  const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
  const names = [...form.keys()]
  if (new Set(names).size < names.length) throw new HttpProblem(400, 'A parameter is there more than once.')
  return form
}

/** @returns the parameter `token`. @throws HttpProblem 400 without one, which an empty one is (RFC 6749 section 3.1) */
export function tokenOf(form: URLSearchParams): string {
  const token = form.get('token')
  if (token === null || token === '')
    throw new HttpProblem(400, 'token must be given, in a form-encoded body.')
  return token
}
