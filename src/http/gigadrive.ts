/**
 * The Gigadrive dialect: an account's tokens, as objects that say where and on what each was last used. Any session's
 * token opens it; `POST /token` opens a `fixed` session, presented as `Authorization: Bearer cst_…` from then on.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Account } from '../account.js'
import { type RefusalCode, type SessionView, warrantOf } from '../session.js'
import type { Credential } from '../sessions/credential.js'
import type { OpenRefusal } from '../sessions/open.js'
import type { Sessions } from '../sessions/sessions.js'
import type { Subscriptions } from '../sessions/subscriptions.js'
import { Type } from '../typebox.js'
import { readBasic } from './basic.js'
import { basicChallenge, bearerChallenge } from './challenge.js'
import { readCredential } from './credentials.js'
import { dialect } from './dialect.js'
import { pushRoutes } from './gigadrive-push.js'
import {
  createSchema,
  deleteSchema,
  Login,
  listSchema,
  updateSchema,
  verifySchema,
} from './gigadrive-schemas.js'
import { failure, notFound, tokenOf, userOf } from './gigadrive-wire.js'
import { checkedByHandler, parameter, parameterReader } from './parameters.js'
import { JSON_TYPE, renderedOnce } from './rendered.js'
import { type Guard, granted, grantedSession, guarded } from './scopes.js'
import { actorOf } from './use.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Gigadrive: the route says that the user is suspended, where others only say that the token is invalid. */
    tellsSuspension?: boolean
  }
}

const Failure = Type.Object({ error: Type.String() }, { title: 'GigadriveFailure' })

export interface GigadriveOptions {
  sessions: Sessions
  subscriptions: Subscriptions
}

/** @returns the dialect as a plugin; register it at `/token` */
export function gigadrive({ sessions, subscriptions }: GigadriveOptions): FastifyPluginAsync {
  const holders: Guard = {
    authenticator: sessions,
    takes: ['sessionToken', 'jwt', 'devise'],
    read: readToken,
    refused({ code }, _request, reply, route) {
      if (code === 'suspended' && route.tellsSuspension)
        return reply.code(403).send(failure('User suspended'))
      return reply.code(401).header('www-authenticate', bearerChallenge(code)).send(failure('Invalid token'))
    },
  }
  const owners: Guard = {
    authenticator: sessions,
    takes: ['basic'],
    read: readLogin,
    refused: ({ code }, _request, reply) => refuseOwner(code, reply),
  }

  return dialect({ schema: Failure, render: ({ message }) => failure(message) }, async (app) => {
    app.setValidatorCompiler(checkedByHandler)
    await guarded(app, holders, async (scope) => {
      listTokens(scope, sessions)
      deleteToken(scope, sessions)
      updateToken(scope, sessions, subscriptions)
      verifyToken(scope)
      pushRoutes(scope, subscriptions)
    })
    await guarded(app, owners, async (scope) => {
      await readBasic(scope)
      createToken(scope, sessions)
    })
  })
}

function refuseOwner(code: RefusalCode | OpenRefusal, reply: FastifyReply): FastifyReply {
  if (code === 'suspended') return reply.code(403).send(failure('User suspended'))
  return reply.code(401).header('www-authenticate', basicChallenge).send(failure('Invalid login credentials'))
}

/** A password opens sessions here, and does nothing else. */
function readToken(request: FastifyRequest): Credential {
  const credential = readCredential(request)
  return credential.kind === 'password' ? { kind: 'none' } : credential
}

const parseLogin = parameterReader(Login)

/** Basic, or the login and password as parameters; not both, and nothing else beside them. */
function readLogin(request: FastifyRequest): Credential {
  const { uid, email, username, password } = parseLogin(request)
  const login = uid ?? email ?? username
  const presented = readCredential(request)
  if (presented.kind === 'none')
    return login && password ? { kind: 'password', login, password } : { kind: 'none' }
  return presented.kind === 'password' && login === undefined ? presented : { kind: 'conflict' }
}

/** The session that the request presented, with the token as presented: what the caller holds already. */
function ownOf(request: FastifyRequest): { handle: string; token: string } {
  const { session } = grantedSession(request)
  const credential = readCredential(request)
  const token =
    credential.kind === 'token' ? credential.token : credential.kind === 'jwt' ? credential.jwt : ''
  return { handle: session.handle, token }
}

function listTokens(app: FastifyInstance, sessions: Sessions): void {
  app.get('', { schema: listSchema }, async (request) => {
    const own = ownOf(request)
    const listed = await sessions.list(granted(request).account.uid)
    return listed.filter(isLive).map((view) => tokenOf(view, own))
  })
}

const isLive = ({ session }: SessionView) => session.expiresAt > Date.now()

/** Takes `id` as a token or as a handle. */
function deleteToken(app: FastifyInstance, sessions: Sessions): void {
  app.delete('', { schema: deleteSchema }, async (request, reply) => {
    const id = parameter(request, 'id')
    if (id === undefined) return reply.code(400).send(failure("'id' is required."))
    if (typeof id !== 'string') return reply.code(400).send(failure("'id' has to be a string."))
    const { uid } = granted(request).account
    const handle = await sessions.handleOf(id)
    const ended = handle !== undefined && (await sessions.end(uid, handle, 'deleted', actorOf(request)))
    return ended ? reply.code(204).send() : reply.code(404).send(notFound)
  })
}

/** A token has notifications as long as it has a push subscription: `false` takes that away, `true` only agrees with it. */
function updateToken(app: FastifyInstance, sessions: Sessions, subscriptions: Subscriptions): void {
  app.patch('', { schema: updateSchema }, async (request, reply) => {
    const id = parameter(request, 'id')
    const notifications = parameter(request, 'notifications')
    if (id === undefined) return reply.code(400).send(failure("'id' is required."))
    if (typeof id !== 'string') return reply.code(400).send(failure("'id' has to be a string."))
    if (typeof notifications !== 'boolean')
      return reply.code(400).send(failure("'notifications' has to be a boolean."))
    const { uid } = granted(request).account
    const handle = await sessions.handleOf(id)
    if (handle !== undefined && !notifications) await subscriptions.unsubscribe(uid, handle)
    const view = handle === undefined ? undefined : await sessions.find(uid, handle)
    if (view === undefined) return reply.code(404).send(notFound)
    if (view.notifications !== notifications) return reply.code(409).send(withoutSubscription)
    return tokenOf(view, ownOf(request))
  })
}

const withoutSubscription = failure("Without a push subscription 'notifications' cannot be true.")

const verified = renderedOnce((account: Account) =>
  JSON.stringify({ status: 'Token valid', user: userOf(account) }),
)

function verifyToken(app: FastifyInstance): void {
  app.post('/verify', { schema: verifySchema, config: { tellsSuspension: true } }, (request, reply) => {
    reply.type(JSON_TYPE).send(verified(granted(request).account))
  })
}

function createToken(app: FastifyInstance, sessions: Sessions): void {
  app.post('', { schema: createSchema }, async (request, reply) => {
    const grant = granted(request)
    const { account } = grant
    const actor = actorOf(request)
    const opened = await sessions.open({ account, kind: 'fixed', warrant: warrantOf(grant), actor })
    if (!opened.ok) return refuseOwner(opened.code, reply)
    const { session, token } = opened
    const view = await sessions.show({ session, description: undefined }, actor)
    return reply.code(201).send(tokenOf(view, { handle: session.handle, token }))
  })
}
