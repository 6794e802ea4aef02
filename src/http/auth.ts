/** What an app that verifies for itself sees of a request's credential, and may ask of it; the types of `require-auth.ts`. */
import type { onRequestAsyncHookHandler } from 'fastify'
import type { Role } from '../account.js'
import type { Kind } from '../session.js'

/** Who sends a request, as a good token has proved. */
export interface Auth {
  /** The uid of the account. */
  subject: string
  /** The public name of the session, its handle. */
  session: string
  kind: Kind
  roles: readonly Role[]
  scopes: readonly string[]
  /** When the session ends if it is not used again; ms since the epoch. */
  expiresAt: number
}

/** What a route asks of a caller beyond a good token. */
export interface AuthRequirements {
  /** All of them. */
  scopes?: readonly string[]
  /** One of them. */
  roles?: readonly Role[]
  /** Whether the answer may carry the session's next token, for routes that are called by the client itself. */
  rotate?: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Makes an `onRequest` hook, for a route or a whole scope, that lets only requests with a good token pass. Others are
     * answered with a problem document: 401 or 403 with a challenge (RFC 6750), 503 with `Retry-After` without Redis.
     */
    requireAuth(requirements?: AuthRequirements): onRequestAsyncHookHandler
  }
  interface FastifyRequest {
    /** Who sends it. Reading it where no `requireAuth` hook has let the request pass throws. */
    readonly auth: Auth
  }
}
