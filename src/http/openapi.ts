/**
 * `/openapi.json` and `/docs`, from the schemas that the routes are built with. Every path answers under `/api` too; the
 * document says so once, as a second server.
 */

import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
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
      const hidden = url.startsWith('/api/') || route.config?.refusesVerb === true
      const takes = route.config?.takes ?? []
      const security = takes.map((scheme) => ({ [scheme]: [] }))
      const operation = { operationId: operationId(String(route.method), url), ...schema, security }
      return {
        schema: hidden ? { hide: true } : (operation as FastifySchema),
        url: url.replace(/\*$/, ':path'),
      }
    },
  })
}

/** The package's own version: its file lies above the sources and above the build alike. */
function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { version: string } // every package has one
  return version
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
