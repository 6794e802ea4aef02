/**
 * Forward auth: a gateway sends the head of each request here before it lets it pass. Exactly 200 allows; 401 and 403
 * are the caller's doing; 503 with `Retry-After` is ours, and never said about a token. The body and the query are not
 * looked at, any method is answered, and nothing may be cached for somebody else.
 */
import { METHODS } from 'node:http'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
} from 'fastify'
import type { Lasting } from '../../session.js'
import type { Authenticator } from '../../sessions/authenticate.js'
import { Type } from '../../typebox.js'
import { bearerChallenge, scopeChallenge } from '../challenge.js'
import { readCredential } from '../credentials.js'
import { tupleHeaders as describedTupleHeaders } from '../devise-schemas.js'
import { tupleHeaders } from '../devise-wire.js'
import { dialect } from '../dialect.js'
import { problemDetails } from '../problem-details.js'
import { type Guard, granted, guarded } from '../scopes.js'
import { useOf } from '../use.js'
import { type Family, families } from './families.js'
import { COUNTRY, identityHeaders, identityOf, NONE, nobody } from './identity.js'
import { noRequirements, parseRequirements, type Requirements } from './requirements.js'

export interface GatewayOptions {
  sessions: Pick<Authenticator, 'authenticate'>
  /** ISO 3166-1 alpha-2 of the address of an answer, when it is known already: the answer does not wait for a look-up. */
  countryOf(ip: string, lasting: Lasting | undefined): string | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    requirements: Requirements | undefined
  }
}

const gatewaySchema: FastifySchema = {
  tags: ['gateways'],
  summary: 'Whether a request may pass, and who sends it',
  description:
    'Any method is answered; the query and the body are not looked at. `requirements` is `-` for none, or as in ' +
    '`scopes=read,write;roles=admin;rotate;preflight`.',
  response: {
    200: {
      ...Type.Null(),
      description: 'It may pass',
      headers: {
        ...Object.fromEntries(
          identityHeaders.map((name) => [name, { type: 'string', description: '`-` when there is none' }]),
        ),
        ...describedTupleHeaders,
      },
    },
  },
}

const VARY = 'Authorization, Cookie, DPoP, access-token, client, uid'

/** @returns the endpoints of all families as a plugin; register it at `/gateway` */
export function gateway(options: GatewayOptions): FastifyPluginAsync {
  return dialect(problemDetails, async (app) => {
    for (const method of METHODS)
      if (method !== 'CONNECT' && !app.supportedMethods.includes(method))
        app.addHttpMethod(method, { hasBody: true })
    ignoreBodies(app)
    app.decorateRequest('requirements', undefined)
    app.decorateRequest('use', undefined)
    for (const family of families) await ask(app, family, options)
  })
}

/**
 * Whatever is announced of a body, there is nothing to read. Fastify would refuse a type that is none, and a QUERY that
 * has none: so each has one (`typeless`) that nobody looks into.
 */
function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
}

function typeless({ headers, method }: FastifyRequest): void {
  if (headers['content-type'] !== undefined || method === 'QUERY')
    headers['content-type'] = 'application/octet-stream'
}

async function ask(
  app: FastifyInstance,
  family: Family,
  { sessions, countryOf }: GatewayOptions,
): Promise<void> {
  const guard: Guard = {
    authenticator: sessions,
    takes: ['sessionToken', 'jwt', 'devise'],
    read: readCredential,
    mode: ({ requirements }) => (requirements?.rotate ? 'rotate' : 'verify'),
    refused: ({ code }, _request, reply) =>
      deny(reply.header('www-authenticate', bearerChallenge(code)), 401, 'Send the token of a live session.'),
    granted({ account, session, token, rotated }, reply) {
      // Without the Bearer form: a gateway that copied it would hand the client's next token to the upstream.
      if (rotated && session !== undefined && token !== undefined)
        reply.headers(tupleHeaders(account, session, token))
    },
  }

  await guarded(app, guard, async (scope) => {
    scope.addHook('onRequest', (request, reply, done) => {
      reply.header('vary', VARY)
      typeless(request)
      const { requirements: segment = '-' } = request.params as { requirements?: string } // by the routes below
      const requirements = parseRequirements(segment)
      if (requirements === undefined) {
        request.server.log.error(
          { reqId: request.id },
          'a gateway asks for requirements that are not understood',
        )
        deny(reply, 403, 'The requirements in the path are not understood.')
        return
      }
      request.requirements = requirements
      request.use = useOf(request)
      if (requirements.preflight && family.originalMethod(request) === 'OPTIONS') reply.headers(nobody).send()
      else done()
    })
    const handler = (request: FastifyRequest, reply: FastifyReply) => allow(request, reply, countryOf)
    const others = app.supportedMethods.filter((method) => method !== 'GET' && method !== 'HEAD')
    for (const url of family.urls) {
      scope.get(url, { schema: gatewaySchema }, handler)
      scope.route({ method: others, url, schema: { hide: true }, handler })
    }
    for (const url of family.aliases)
      scope.route({ method: ['GET', ...others], url, schema: { hide: true }, handler })
  })
}

/** Refuses a good credential that is not enough; lets any other pass. */
function allow(
  request: FastifyRequest,
  reply: FastifyReply,
  countryOf: GatewayOptions['countryOf'],
): FastifyReply {
  const grant = granted(request)
  const { scopes, roles } = request.requirements ?? noRequirements
  if (roles.length > 0 && !grant.account.roles.some((role) => roles.includes(role)))
    return deny(reply, 403, `This needs the role ${roles.join(' or ')}.`)
  if (!scopes.every((scope) => grant.session?.scopes.includes(scope)))
    return deny(
      reply.header('www-authenticate', scopeChallenge(scopes)),
      403,
      `This needs the scope ${scopes.join(' ')}.`,
    )
  const identity = identityOf(grant)
  // By their names: to go through the keys of one object of a hundred thousand costs a microsecond.
  return reply
    .header('x-auth-subject', identity['x-auth-subject'])
    .header('x-auth-session', identity['x-auth-session'])
    .header('x-auth-kind', identity['x-auth-kind'])
    .header('x-auth-roles', identity['x-auth-roles'])
    .header('x-auth-scopes', identity['x-auth-scopes'])
    .header(COUNTRY, countryOf(useOf(request).ip, grant.lasting) ?? NONE)
    .header('x-auth-expires', identity['x-auth-expires'])
    .send()
}

/** As bytes: beside a string, Node would encode the header of a uid beyond ASCII once more (`keepHeaderBytes`). */
const deny = (reply: FastifyReply, status: 401 | 403, message: string) =>
  reply
    .code(status)
    .type('application/problem+json; charset=utf-8')
    .send(Buffer.from(JSON.stringify(problemDetails.render({ status, message, headers: {} }))))
