/**
 * `/accounts/:uid/sessions`: what internal services do with the sessions of others. A service that has authenticated
 * somebody itself (an OAuth callback, single sign-on) opens a session here and hands its token to the client.
 */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import type { Account, Attributes } from '../account.js'
import type { AuditedAccounts } from '../accounts/audited.js'
import type { Sessions } from '../sessions/sessions.js'
import { type Static, Type } from '../typebox.js'
import { problemOf } from './accounts.js'
import { tokenHeaders as describedTokenHeaders } from './devise-schemas.js'
import { tokenHeaders } from './devise-wire.js'
import { parseLife } from './duration.js'
import { keepHeaderBytes } from './header-text.js'
import { HttpProblem, noSuchAccount, noSuchSession } from './http-problem.js'
import { granted } from './scopes.js'
import { Except, OpenedObject, objectOf, SessionObject, Uid, UidAndId, Wanted } from './session-object.js'
import { actorOf } from './use.js'

export interface AccountSessionsOptions {
  accounts: AuditedAccounts
  sessions: Sessions
  longestJwtMs: number
}

/** Register it in a guarded scope that requires the role `service` or `admin`. */
export function accountSessionRoutes(options: AccountSessionsOptions): FastifyPluginAsyncTypebox {
  const { accounts, sessions } = options
  const tags = ['services']
  const gone = { 204: { ...Type.Null(), description: 'Ended' } }
  return async (app) => {
    app.addHook('onSend', keepHeaderBytes)
    app.post(
      '',
      {
        schema: {
          tags,
          summary: 'Open a session for an account that you have authenticated',
          params: Uid,
          body: Wanted,
          response: {
            201: {
              ...OpenedObject,
              headers: describedTokenHeaders,
              description: 'Opened; a JWT has no headers',
            },
          },
        },
      },
      async (request, reply) => {
        const { kind = 'rotating', description, scopes } = request.body
        const lifeMs = readLife(request.body.life, options.longestJwtMs)
        const account = await findOrCreate(accounts, request.params.uid, request.body.create, request)
        refuseEscalation(request, account, kind)
        const actor = actorOf(request)
        const opened = await sessions.open({
          account,
          kind,
          warrant: undefined,
          actor,
          ...(scopes && { scopes }),
          ...(description !== undefined && { description }),
          ...(lifeMs !== undefined && { lifeMs }),
        })
        if (!opened.ok)
          throw new HttpProblem(
            opened.code === 'description-taken' ? 409 : 403,
            opened.code === 'description-taken'
              ? 'The description is already in use.'
              : 'The account is suspended or gone.',
          )
        const view = await sessions.show({ session: opened.session, description }, actor)
        if (kind !== 'jwt') reply.headers(tokenHeaders(opened.account, opened.session, opened.token))
        return reply.code(201).send({ ...objectOf(view), token: opened.token })
      },
    )

    app.get(
      '',
      {
        schema: {
          tags,
          summary: 'List the sessions of an account',
          params: Uid,
          response: { 200: Type.Array(SessionObject) },
        },
      },
      async (request) => {
        const { uid } = await mustFind(accounts, request.params.uid)
        return (await sessions.list(uid)).map(objectOf)
      },
    )

    app.get(
      '/:id',
      { schema: { tags, summary: 'One session', params: UidAndId, response: { 200: SessionObject } } },
      async (request) => {
        const { uid, id } = request.params
        const view = await sessions.find(uid, id)
        if (view === undefined) throw noSuchSession()
        return objectOf(view)
      },
    )

    app.delete(
      '',
      {
        schema: {
          tags,
          summary: 'End all sessions of an account, or all but one',
          params: Uid,
          querystring: Except,
          response: gone,
        },
      },
      async (request, reply) => {
        const { uid } = await mustFind(accounts, request.params.uid)
        const { except } = request.query
        if (except === undefined) await accounts.signOutEverywhere(uid, actorOf(request))
        else await sessions.endAll(uid, 'ended-by-service', actorOf(request), except)
        return reply.code(204).send(null)
      },
    )

    app.delete(
      '/:id',
      { schema: { tags, summary: 'End one session', params: UidAndId, response: gone } },
      async (request, reply) => {
        const { uid, id } = request.params
        if (!(await sessions.end(uid, id, 'ended-by-service', actorOf(request)))) throw noSuchSession()
        return reply.code(204).send(null)
      },
    )
  }
}

function readLife(life: string | number | undefined, longestMs: number): number | undefined {
  if (life === undefined) return undefined
  const seconds = parseLife(life)
  if (seconds === undefined || seconds <= 0 || seconds * 1000 > longestMs)
    throw new HttpProblem(400, `life must be a life such as "6 hours", up to ${longestMs / 1000} seconds.`)
  return Math.round(seconds * 1000)
}

async function mustFind(accounts: AuditedAccounts, uid: string): Promise<Account> {
  const state = await accounts.find(uid)
  if (state === undefined) throw noSuchAccount()
  return state.account
}

async function findOrCreate(
  accounts: AuditedAccounts,
  uid: string,
  create: Static<typeof Wanted>['create'],
  request: FastifyRequest,
): Promise<Account> {
  const state = await accounts.find(uid)
  if (state !== undefined) return state.account
  if (create === undefined) throw noSuchAccount()
  const { attributes, ...rest } = create
  const created = await accounts.create(
    { uid, ...rest, ...(attributes && { attributes: attributes as Attributes }) }, // parsed JSON is JSON
    actorOf(request),
  )
  if (created.ok) return created.account
  // Somebody may have been quicker with the same one.
  if (created.code === 'taken' && created.field === 'uid') return mustFind(accounts, uid)
  throw problemOf(created)
}

/** Opening a session is acting as its account: a service must not become an administrator by it, nor a JWT mint JWTs. */
function refuseEscalation(request: FastifyRequest, account: Account, kind: string): void {
  const { account: caller, session } = granted(request)
  if (account.roles.includes('admin') && !caller.roles.includes('admin'))
    throw new HttpProblem(403, 'Only an administrator opens sessions of administrators.')
  if (kind === 'jwt' && session?.kind === 'jwt') throw new HttpProblem(403, 'A JWT cannot mint JWTs.')
}
