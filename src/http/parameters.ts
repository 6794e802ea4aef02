/** Request parameters as devise_token_auth's clients send them: query, form and JSON body are one namespace. */
import type { FastifyRequest, FastifySchemaCompiler } from 'fastify'
import { Compile, type Static, type TObject, type TSchema } from '../typebox.js'
import { isJsonObject } from './bearer.js'
import { HttpProblem } from './http-problem.js'
import { describeSchemaErrors } from './validation.js'

/** @returns all parameters of `request`; the query wins over the body */
export function parameters(request: FastifyRequest): Readonly<Record<string, unknown>> {
  const { query, body } = request
  return { ...(isJsonObject(body) ? body : {}), ...(isJsonObject(query) ? query : {}) }
}

/** @returns the value of `name` from the query, else from the body; `undefined` when it is in neither */
export function parameter(request: FastifyRequest, name: string): unknown {
  const { query, body } = request
  if (isJsonObject(query) && Object.hasOwn(query, name)) return query[name]
  if (isJsonObject(body) && Object.hasOwn(body, name)) return body[name]
  return undefined
}

/**
 * Holds each part of a request to its schema; what came in the URL or a header is text, and first read as what the schema says.
 * The type provider's own compiler does the same, but loads a second copy of TypeBox, and ajv's formats, at each start.
 */
export const checkedBySchema: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema)
  return (given) => {
    const value = httpPart === 'body' ? given : validator.Convert(given)
    return validator.Check(value) ? { value } : { error: validator.Errors(value) }
  }
}

/** For scopes whose parameters may stand in query, form or body alike: their schemas describe, the reader checks. */
export const checkedByHandler: FastifySchemaCompiler<unknown> = () => () => true

/**
 * Makes a reader of merged parameters that holds them to `schema`.
 *
 * @returns a function that gives them typed, or throws a 400 naming each wrong one and what it must be
 */
export function parameterReader<Schema extends TObject>(schema: Schema) {
  const validator = Compile(schema)
  return (request: FastifyRequest): Static<Schema> => {
    const values = parameters(request)
    if (validator.Check(values)) return values as Static<Schema> // Check is the proof; its guard type is wider
    throw new HttpProblem(400, describeSchemaErrors(validator.Errors(values)))
  }
}
