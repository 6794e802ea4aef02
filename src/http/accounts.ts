/** `/accounts`: what an administrator does with accounts. Cursors, never page numbers; failures are problem documents. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { AccountState, Attributes } from '../account.js'
import type { Invalid, Taken } from '../accounts/accounts.js'
import type { AuditedAccounts } from '../accounts/audited.js'
import { type Static, Type } from '../typebox.js'
import { HttpProblem, noSuchAccount } from './http-problem.js'
import { actorOf } from './use.js'

const Role = Type.Enum(['admin', 'service'])
const FreeAttributes = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Free JSON that dialects show as the user, up to 8 kB',
})
const strict = { additionalProperties: false }

export const AccountView = Type.Object({
  id: Type.Integer(),
  uid: Type.String(),
  provider: Type.String(),
  email: Type.Union([Type.String(), Type.Null()]),
  attributes: FreeAttributes,
  roles: Type.Array(Role),
  hasPassword: Type.Boolean(),
  suspendedAt: Type.Union([Type.String(), Type.Null()]),
  createdAt: Type.String(),
  updatedAt: Type.String(),
})

const NewAccount = Type.Object(
  {
    uid: Type.String({ description: 'E-mail, user name or any id; never changes' }),
    provider: Type.Optional(Type.String({ default: 'email' })),
    email: Type.Optional(Type.String()),
    attributes: Type.Optional(FreeAttributes),
    roles: Type.Optional(Type.Array(Role, { uniqueItems: true })),
    password: Type.Optional(Type.String()),
  },
  strict,
)
const AccountChange = Type.Object(
  {
    email: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    attributes: Type.Optional(FreeAttributes),
    roles: Type.Optional(Type.Array(Role, { uniqueItems: true })),
  },
  { ...strict, description: 'Attributes are a merge patch (RFC 7396): null removes' },
)
const Page = Type.Object(
  {
    after: Type.Optional(Type.Integer({ minimum: 0, description: 'The `next` of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  },
  strict,
)
const AccountPage = Type.Object({
  accounts: Type.Array(AccountView),
  next: Type.Union([Type.Integer(), Type.Null()], { description: 'null on the last page' }),
})
const Uid = Type.Object({ uid: Type.String() })
const NewPassword = Type.Object({ password: Type.String() }, strict)

/** Routes over accounts; register them in a guarded scope that requires the role `admin`. */
export function accountRoutes(accounts: AuditedAccounts): FastifyPluginAsyncTypebox {
  async function view(uid: string): Promise<Static<typeof AccountView>> {
    const state = await accounts.find(uid)
    if (state === undefined) throw noSuchAccount()
    return viewOf(state)
  }

  return async (app) => {
    const params = Uid
    const tags = ['services']
    const response = { 200: AccountView }
    const gone = { 204: { ...Type.Null(), description: 'Done' } }

    app.post(
      '',
      { schema: { tags, summary: 'Create an account', body: NewAccount, response: { 201: AccountView } } },
      async (request, reply) => {
        const { provider = 'email', attributes, ...rest } = request.body
        const created = await accounts.create(
          { ...rest, provider, ...(attributes && { attributes: attributes as Attributes }) }, // parsed JSON is JSON
          actorOf(request),
        )
        if (!created.ok) throw problemOf(created)
        return reply.code(201).send(await view(created.account.uid))
      },
    )

    app.get(
      '',
      { schema: { tags, summary: 'List accounts', querystring: Page, response: { 200: AccountPage } } },
      async (request) => {
        const { after, limit = 50 } = request.query
        const page = await accounts.list({ after, limit })
        return { accounts: page.accounts.map(viewOf), next: page.next ?? null }
      },
    )

    app.get(
      '/:uid',
      { schema: { tags, summary: 'One account', params, response } },
      async ({ params: { uid } }) => view(uid),
    )

    app.patch(
      '/:uid',
      { schema: { tags, summary: 'Update an account', params, body: AccountChange, response } },
      async (request) => {
        const { uid } = request.params
        const { attributes, ...rest } = request.body
        const changed = await accounts.update(
          uid,
          { ...rest, ...(attributes && { attributes: attributes as Attributes }) },
          actorOf(request),
        )
        if (!changed.ok) throw changed.code === 'unknown' ? noSuchAccount() : problemOf(changed)
        return view(uid)
      },
    )

    app.put(
      '/:uid/password',
      {
        schema: {
          tags,
          summary: 'Set a password; every session of the account ends',
          params,
          body: NewPassword,
          response: gone,
        },
      },
      async (request, reply) => {
        const { uid } = request.params
        const set = await accounts.setPassword(uid, request.body.password, actorOf(request))
        if (!set.ok) throw set.code === 'unknown' ? noSuchAccount() : problemOf(set)
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/:uid/suspend',
      { schema: { tags, summary: 'Suspend an account; every session of it ends', params, response } },
      async (request) => {
        const { uid } = request.params
        if (!(await accounts.suspend(uid, actorOf(request)))) throw noSuchAccount()
        return view(uid)
      },
    )

    app.post(
      '/:uid/restore',
      { schema: { tags, summary: 'Let a suspended account be used again', params, response } },
      async (request) => {
        const { uid } = request.params
        if (!(await accounts.restore(uid, actorOf(request)))) throw noSuchAccount()
        return view(uid)
      },
    )

    app.delete(
      '/:uid',
      { schema: { tags, summary: 'Delete an account and all that is its', params, response: gone } },
      async (request, reply) => {
        if (!(await accounts.remove(request.params.uid, actorOf(request)))) throw noSuchAccount()
        return reply.code(204).send(null)
      },
    )
  }
}

/** An account as its keepers see it. */
export function viewOf({ account, suspendedAt, hasPassword }: AccountState): Static<typeof AccountView> {
  const time = (ms: number) => new Date(ms).toISOString()
  return {
    id: account.id,
    uid: account.uid,
    provider: account.provider,
    email: account.email ?? null,
    attributes: { ...account.attributes },
    roles: [...account.roles],
    hasPassword,
    suspendedAt: suspendedAt === undefined ? null : time(suspendedAt),
    createdAt: time(account.createdAt),
    updatedAt: time(account.updatedAt),
  }
}

/** 409 for a name that somebody else has, 422 for fields that cannot be. */
export function problemOf(refusal: Invalid | Taken): HttpProblem {
  if (refusal.code === 'taken') return new HttpProblem(409, `The ${refusal.field} has already been taken.`)
  const sentences = refusal.problems.map(({ field, message }) => `${field} ${message}`)
  return new HttpProblem(422, `${sentences.join('; ')}.`)
}
