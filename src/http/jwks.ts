/**
 * `/.well-known/jwks.json` (RFC 7517): the public keys, so that any service can verify our JWTs by itself. Answered from
 * memory; it may be cached for as long as new keys are published before they sign.
 */
import type { FastifyPluginAsync, FastifySchema } from 'fastify'
import { Type } from '../typebox.js'
import { dialect } from './dialect.js'
import { problemDetails } from './problem-details.js'
import { publicly } from './scopes.js'

export interface JwkSet {
  readonly keys: readonly object[]
}

export interface JwksOptions {
  /**
   * The public keys, the same object until they change.
   *
   * @throws StoreUnavailable as long as they are unknown: "no keys" would be a lie, and be cached
   */
  keys(): JwkSet
  /** How long a verifier may keep them. */
  maxAgeMs: number
}

const schema: FastifySchema = {
  tags: ['standards'],
  summary: 'The public keys of our JWTs (RFC 7517)',
  response: {
    200: {
      description: 'JSON Web Key Set',
      content: {
        'application/jwk-set+json': {
          schema: Type.Object({ keys: Type.Array(Type.Object({}, { additionalProperties: true })) }),
        },
      },
    },
  },
}

/** @returns the plugin; register it without a prefix of its own */
export function jwks({ keys, maxAgeMs }: JwksOptions): FastifyPluginAsync {
  const cacheControl = `public, max-age=${Math.floor(maxAgeMs / 1000)}`
  let answered: { set: JwkSet; body: Buffer } | undefined

  return dialect(problemDetails, (app) =>
    publicly(app, async (scope) => {
      scope.get('/.well-known/jwks.json', { schema }, async (_request, reply) => {
        const set = keys()
        if (answered?.set !== set) answered = { set, body: Buffer.from(JSON.stringify(set)) }
        return reply
          .header('cache-control', cacheControl)
          .type('application/jwk-set+json')
          .send(answered.body)
      })
    }),
  )
}
