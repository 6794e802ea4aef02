/**
 * What every dialect's scope shares: its own envelope for *every* error (bad JSON, unknown path, wrong verb, outage),
 * and bodies on any verb. A dialect is `dialect(envelope, routes)`, registered at a prefix.
 */
import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, HTTPMethods } from 'fastify'
import type { TSchema } from '../typebox.js'
import { isJsonObject } from './bearer.js'
import { describeFault, type Problem } from './faults.js'
import { HttpProblem } from './http-problem.js'
import { describeSchemaErrors } from './validation.js'

/** A dialect's own shape of a problem. */
export interface Envelope {
  render(problem: Problem): object
  /** Describes what `render` makes. */
  schema: TSchema
  /** `application/json` when absent. */
  mediaType?: string
}

/** Sends `problem` in the shape of `envelope`. */
export function answerWith(envelope: Envelope, reply: FastifyReply, problem: Problem): FastifyReply {
  if (envelope.mediaType !== undefined) reply.type(envelope.mediaType)
  return reply.code(problem.status).headers(problem.headers).send(envelope.render(problem))
}

export const nothingHere: Problem = { status: 404, message: 'There is nothing at this path.', headers: {} }

const commonVerbs: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** @returns a plugin in which `routes` lives and every failure speaks `envelope` */
export function dialect(envelope: Envelope, routes: FastifyPluginAsync): FastifyPluginAsync {
  return async (app) => {
    await app.register(formbody)
    readJsonObjects(app)
    app.setSchemaErrorFormatter((errors) => new HttpProblem(400, describeSchemaErrors(errors)))

    const answer = (reply: FastifyReply, problem: Problem) => answerWith(envelope, reply, problem)

    app.setErrorHandler((error: Error, request, reply) => {
      const problem = describeFault(error)
      if (problem.status === 500)
        request.server.log.error({ reqId: request.id, err: error }, 'request failed')
      return answer(reply, problem)
    })
    // Without a prefix, unknown paths are nobody's: the app itself answers them.
    if (app.prefix !== '') app.setNotFoundHandler((_request, reply) => answer(reply, nothingHere))

    describeFailures(app, envelope)
    const paths = collectPaths(app)
    await app.register(routes)
    for (const [url, verbs] of paths) refuseOtherVerbs(app, url, verbs, answer)
  }
}

/** Every route may fail in the same shape, and says so. */
function describeFailures(app: FastifyInstance, { schema, mediaType = 'application/json' }: Envelope): void {
  const failure = (description: string) => ({ description, content: { [mediaType]: { schema } } })
  app.addHook('onRoute', (route) => {
    const described: object = isJsonObject(route.schema?.response) ? route.schema.response : {}
    const response = {
      ...described,
      '4xx': failure('The request was refused'),
      503: failure('Redis is away, or too much is going on; `Retry-After` says when to try again'),
    }
    route.schema = { ...route.schema, response }
  })
}

/** What is registered at a path: the verbs that work there, and those that have an answer of their own for "wrong verb". */
interface Verbs {
  allowed: Set<string>
  refused: Set<string>
}

function collectPaths(app: FastifyInstance): Map<string, Verbs> {
  const paths = new Map<string, Verbs>()
  app.addHook('onRoute', ({ routePath, method, config }) => {
    const verbs = paths.get(routePath) ?? { allowed: new Set(), refused: new Set() }
    for (const verb of [method].flat()) (config?.refusesVerb ? verbs.refused : verbs.allowed).add(verb)
    paths.set(routePath, verbs)
  })
  return paths
}

/** A known path answers other verbs with 405 and `Allow` (RFC 9110 section 15.5.6), before any body is looked at. */
function refuseOtherVerbs(
  app: FastifyInstance,
  url: string,
  { allowed, refused }: Verbs,
  answer: (reply: FastifyReply, problem: Problem) => FastifyReply,
): void {
  const others = commonVerbs.filter((verb) => !allowed.has(verb) && !refused.has(verb))
  if (others.length === 0) return
  const allow = [...allowed].sort().join(', ')
  app.route({
    method: others,
    url,
    exposeHeadRoute: false,
    config: { access: 'public', refusesVerb: true },
    onRequest: async (request, reply) =>
      answer(reply, {
        status: 405,
        message: `Use ${allow} here, not ${request.method}.`,
        headers: { allow },
      }),
    handler: async () => undefined,
  })
}

/**
 * A JSON body is an object; an empty one is no body, because clients send that on GET and DELETE. Plain text, which
 * Fastify would take, is none of what a dialect reads: it is refused like every other type.
 */
function readJsonObjects(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined)
    parse(request, body, (error, value) =>
      error !== null || isJsonObject(value) ? done(error, value) : done(notAnObject()),
    )
  })
}

const notAnObject = () => new HttpProblem(400, 'The request body must be a JSON object.')
