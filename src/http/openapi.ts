/**
 * `/openapi.json` and `/docs`, from the schemas that the routes are built with. Every path answers under `/api` too; the
 * document says so once, as a second server.
 */

import { existsSync, readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyContextConfig, FastifyInstance, FastifySchema } from 'fastify'
import { isJsonObject } from './bearer.js'
import { publicly, type SecurityScheme } from './scopes.js'

const securitySchemes = {
  sessionToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'cst_…',
    description: 'The countersigned token of a session.',
  },
  jwt: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A personal access token.' },
  devise: {
    type: 'apiKey',
    in: 'header',
    name: 'access-token',
    description: 'The token of a rotating session; the headers `client` and `uid` go with it.',
  },
  basic: { type: 'http', scheme: 'basic', description: 'Login name and password of an account.' },
} as const satisfies Record<SecurityScheme, object>

/** Collects the routes that are registered from now on. Call it before any of them. */
export async function collectRoutes(app: FastifyInstance, issuer: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Countersign',
        version: readVersion(),
        description:
          'Opens, verifies, rotates, lists and revokes session tokens and JWTs. Every path answers with and without a trailing slash.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: issuer }, { url: `${issuer}/api` }],
      tags: [
        { name: 'devise', description: 'The devise_token_auth dialect.' },
        { name: 'Gigadrive', description: "An account's own tokens." },
        { name: 'Specter', description: 'Personal access tokens.' },
        { name: 'gateways', description: 'Forward auth.' },
        { name: 'standards', description: 'OAuth 2.0 and JOSE.' },
        { name: 'services', description: 'For internal services and administrators.' },
        { name: 'operations', description: 'For operators.' },
      ],
      components: { securitySchemes },
    },
    transform({ schema, url, route }) {
      const hidden = route.config?.refusesVerb === true
      const takes = route.config?.takes ?? []
      const security = takes.map((scheme) => ({ [scheme]: [] }))
      const operation = {
        operationId: operationId(String(route.method), url),
        ...schema,
        response: describeHeaders(schema?.response, route.config),
        security,
      }
      return {
        schema: hidden ? { hide: true } : (operation as FastifySchema),
        url: url.replace(/\*$/, ':path'),
      }
    },
  })
}

const headers = {
  'x-request-id': {
    type: 'string',
    description: 'Names the request in our log; the one that came with it, if any',
  },
  'retry-after': { type: 'integer', description: 'Seconds' },
  'www-authenticate': {
    type: 'string',
    description:
      'The schemes that would be accepted (RFC 9110 section 11.6.1); in the devise dialect only where a Bearer was refused',
  },
}

/** Adds the headers that any answer has, and to guarded routes what they say without a good credential. */
function describeHeaders(
  responses: unknown,
  { mode, takes = [] }: FastifyContextConfig = {},
): Record<string, object> {
  const { 'retry-after': retryAfter, 'x-request-id': requestId } = headers
  const described = objects(responses).map(([status, response]) => {
    // A refusal that comes after the rotation carries the new token, or the client would lose it.
    const told = status === '4xx' && mode === 'rotate' ? headersOf(objects(responses)[0]?.[1]) : {}
    const more = { 'x-request-id': requestId, ...(status === '503' && { 'retry-after': retryAfter }) }
    return [status, { ...response, headers: { ...headersOf(response), ...told, ...more } }] as const
  })
  const refused = described.find(([status]) => status === '4xx')?.[1]
  if (takes.length === 0 || refused === undefined) return Object.fromEntries(described)
  const challenged = { ...refused.headers, 'www-authenticate': headers['www-authenticate'] }
  return {
    ...Object.fromEntries(described),
    401: { ...refused, description: 'No credential, or none that is good', headers: challenged },
    403: { ...refused, description: 'A good credential that is not enough', headers: challenged },
  }
}

const objects = (value: unknown) =>
  Object.entries(isJsonObject(value) ? value : {}).flatMap(([name, object]) =>
    isJsonObject(object) ? [[name, object] as const] : [],
  )
const headersOf = (response: unknown) =>
  isJsonObject(response) && isJsonObject(response.headers) ? response.headers : {}

/** The version of the package that this file is part of, wherever it was built to: the nearest package.json above. */
function readVersion(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    const file = new URL('package.json', folder)
    if (existsSync(file)) {
      const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string } // every package has one
      return version
    }
    if (folder.pathname === '/') return 'unknown'
  }
}

const operationId = (method: string, url: string) =>
  [method.toLowerCase(), ...url.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')].join('-')

/** Serves what `collectRoutes` has collected. Call it after the routes. */
export async function publishRoutes(app: FastifyInstance): Promise<void> {
  await publicly(app, async (scope) => {
    scope.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      uiConfig: { deepLinking: true },
    })
  })
}
