/** The devise_token_auth dialect, second half: sign-up, account update, password change and deletion. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import Type from 'typebox'
import type { DeviseOptions } from './devise.js'
import {
  findPasswordProblems,
  findSignUpProblems,
  type Problems,
  readAttributes,
} from './devise-validation.js'
import { longUser, tokenHeaders } from './devise-wire.js'
import { parameterReader } from './parameters.js'
import { granted } from './scopes.js'
import { useOf } from './use.js'

const Text = Type.String({ maxLength: 1024 })
const Profile = Type.Object({
  email: Type.Optional(Text),
  password: Type.Optional(Text),
  password_confirmation: Type.Optional(Text),
  current_password: Type.Optional(Text),
})

const failure = (error: string) => ({ success: false, errors: [error] })
const emptyRequest = (what: string) => ({
  ...failure(`Please submit proper ${what} data in request body.`),
  status: 'error',
})

/** devise lists what is wrong by attribute, and once more as sentences. */
function withSentences(problems: Problems) {
  const sentences = Object.entries(problems).flatMap(([name, list]) =>
    list.map((problem) => `${humanize(name)} ${problem}`),
  )
  return { ...problems, full_messages: sentences }
}

const humanize = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')
const taken = (field: string): Problems => ({ [field]: ['has already been taken'] })

/** `POST /auth`: creates an account and signs it in. */
export function deviseSignUp(app: FastifyInstance, { accounts, sessions, signUp }: DeviseOptions): void {
  const read = parameterReader(Profile)
  app.post('', async (request, reply) => {
    if (signUp === 'closed')
      return reply.code(403).send({ ...failure('Sign-up is closed.'), status: 'error' })
    const { email, password, password_confirmation: confirmation } = read(request)
    const attributes = readAttributes(request)
    const refuse = (problems: Problems) =>
      reply.code(422).send({
        status: 'error',
        data: { ...attributes, id: null, uid: email ?? '', email: email ?? null, provider: 'email' },
        errors: withSentences(problems),
      })

    if (email === undefined && password === undefined && Object.keys(attributes).length === 0)
      return reply.code(422).send(emptyRequest('sign up'))
    const problems = findSignUpProblems({ email, password, confirmation, attributes })
    if (problems !== undefined || email === undefined || password === undefined) return refuse(problems ?? {})

    const created = await accounts.create({ uid: email, provider: 'email', email, attributes, password })
    if (!created.ok) return refuse(taken(created.field === 'uid' ? 'email' : created.field))
    const opened = await sessions.open({ account: created.account, kind: 'rotating', use: useOf(request) })
    if (opened.ok && opened.token !== undefined)
      reply.headers(tokenHeaders(opened.session, opened.token.value))
    return { status: 'success', data: longUser(created.account) }
  })
}

/** The routes of an account over itself; they live in a guarded scope. */
export function deviseAccounts(app: FastifyInstance, options: DeviseOptions): void {
  updateAccount(app, options)
  updatePassword(app, options)
  deleteAccount(app, options)
}

function updateAccount(app: FastifyInstance, { accounts }: DeviseOptions): void {
  const read = parameterReader(Profile)
  const config = {
    mode: 'rotate',
    unauthorized: { status: 404, body: { ...failure('User not found.'), status: 'error' } },
  } as const
  app.route({
    method: ['PUT', 'PATCH'],
    url: '',
    config,
    handler: async (request, reply) => {
      const { account, session } = granted(request)
      const {
        email,
        password,
        password_confirmation: confirmation,
        current_password: current,
      } = read(request)
      const attributes = readAttributes(request)
      const refuse = (problems: Problems) =>
        reply.code(422).send({ status: 'error', errors: withSentences(problems) })

      if (email === undefined && password === undefined && Object.keys(attributes).length === 0)
        return reply.code(422).send(emptyRequest('account update'))
      const problems = findSignUpProblems({ email, password, confirmation, attributes }, 'given only')
      if (problems !== undefined) return refuse(problems)
      if (current !== undefined && !(await accounts.checkPassword(account.uid, current)))
        return refuse({ current_password: ['is invalid'] })

      const updated = await accounts.update(account.uid, {
        ...(email !== undefined && { email }),
        attributes,
      })
      if (!updated.ok)
        return updated.code === 'taken' ? refuse(taken(updated.field)) : notFound(reply, config.unauthorized)
      if (password !== undefined)
        await accounts.setPassword(account.uid, password, { keepHandle: session.handle })
      return { status: 'success', data: longUser(updated.account) }
    },
  })
}

const notFound = (reply: FastifyReply, { status, body }: { status: number; body: object }) =>
  reply.code(status).send(body)

function updatePassword(app: FastifyInstance, { accounts }: DeviseOptions): void {
  const read = parameterReader(Profile)
  app.route({
    method: ['PUT', 'PATCH'],
    url: '/password',
    config: { mode: 'rotate', unauthorized: { status: 401, body: failure('Unauthorized') } },
    handler: async (request, reply) => {
      const { account, session } = granted(request)
      const { password, password_confirmation: confirmation, current_password: current } = read(request)
      const refuse = (problems: Problems) =>
        reply.code(422).send({ success: false, errors: withSentences(problems) })

      if (!(await accounts.hasPassword(account.uid)))
        return reply
          .code(422)
          .send(
            failure(
              `This account does not require a password. Sign in using your '${humanize(account.provider)}' account instead.`,
            ),
          )
      if (!password || !confirmation)
        return reply
          .code(422)
          .send(failure("You must fill out the fields labeled 'Password' and 'Password confirmation'."))
      const problems = findPasswordProblems(password, confirmation)
      if (problems !== undefined) return refuse(problems)
      if (current !== undefined && !(await accounts.checkPassword(account.uid, current)))
        return refuse({ current_password: ['is invalid'] })

      await accounts.setPassword(account.uid, password, { keepHandle: session.handle })
      return {
        success: true,
        data: longUser(account),
        message: 'Your password has been successfully updated.',
      }
    },
  })
}

function deleteAccount(app: FastifyInstance, { accounts }: DeviseOptions): void {
  const config = {
    mode: 'verify',
    unauthorized: {
      status: 404,
      body: { ...failure('Unable to locate account for destruction.'), status: 'error' },
    },
  } as const
  app.delete('', { config }, async (request) => {
    const { uid } = granted(request).account
    await accounts.remove(uid)
    return { status: 'success', message: `Account with UID '${uid}' has been destroyed.` }
  })
}
