/** The devise_token_auth dialect, second half: sign-up, account update, password change and deletion. */
import type { FastifyInstance } from 'fastify'
import { attributesProblem } from '../accounts/attributes.js'
import type { AuditedAccounts } from '../accounts/audited.js'
import type { Sessions } from '../sessions/sessions.js'
import { deletionSchema, Profile, passwordSchema, signUpSchema, updateSchema } from './devise-schemas.js'
import {
  humanize,
  isWrong,
  readAttributes,
  type Wrong,
  withSentences,
  wrongAccount,
  wrongPassword,
} from './devise-validation.js'
import { longUser, tokenHeaders } from './devise-wire.js'
import { parameterReader } from './parameters.js'
import { granted, grantedSession } from './scopes.js'
import { actorOf } from './use.js'

/** What the whole dialect is made of. */
export interface DeviseOptions {
  sessions: Sessions
  accounts: AuditedAccounts
  /** Whether anyone may create an account. */
  signUp: 'open' | 'closed'
}

const readProfile = parameterReader(Profile)

const failure = (error: string) => ({ success: false, errors: [error] })
const statusError = (error: string) => ({ ...failure(error), status: 'error' })
const wrongCurrentPassword: Wrong = { current_password: ['is invalid'] }

/** `POST /auth`: creates an account and signs it in. */
export function deviseSignUp(app: FastifyInstance, { accounts, sessions, signUp }: DeviseOptions): void {
  app.post('', { schema: signUpSchema }, async (request, reply) => {
    if (signUp === 'closed') return reply.code(403).send(statusError('Sign-up is closed.'))
    const { email = '', password = '', password_confirmation: confirmation } = readProfile(request)
    const attributes = readAttributes(request)
    if (email === '' && password === '' && Object.keys(attributes).length === 0)
      return reply.code(422).send(statusError('Please submit proper sign up data in request body.'))

    const badAttributes = attributesProblem(attributes)
    const refuse = (wrong: Wrong) => {
      // What is not acceptable is not repeated: deep enough, it could not even be written.
      const echoed = badAttributes === undefined ? attributes : {}
      const data = { ...echoed, id: null, uid: email, email, provider: 'email' }
      return reply.code(422).send({ status: 'error', data, errors: withSentences(wrong) })
    }
    const wrong = {
      ...(email === '' && { email: ["can't be blank"] }),
      ...wrongPassword(password, confirmation),
      ...(badAttributes !== undefined && { attributes: [badAttributes] }),
    }
    if (isWrong(wrong)) return refuse(wrong)

    const created = await accounts.create(
      { uid: email, provider: 'email', email, attributes, password },
      actorOf(request, email),
    )
    if (!created.ok) return refuse(wrongAccount(created))
    const { account } = created
    const actor = actorOf(request, account.uid)
    const opened = await sessions.open({ account, kind: 'rotating', warrant: undefined, actor })
    if (opened.ok) reply.headers(tokenHeaders(account, opened.session, opened.token))
    return { status: 'success', data: longUser(account) }
  })
}

/** The routes of an account over itself; they live in a guarded scope. */
export function deviseAccounts(app: FastifyInstance, options: DeviseOptions): void {
  for (const method of ['PUT', 'PATCH'] as const) {
    updateAccount(app, method, options)
    updatePassword(app, method, options)
  }
  deleteAccount(app, options)
}

function updateAccount(app: FastifyInstance, method: 'PUT' | 'PATCH', { accounts }: DeviseOptions): void {
  const unknown = { status: 404, body: statusError('User not found.') }
  app.route({
    method,
    url: '',
    schema: updateSchema,
    config: { mode: 'rotate', unauthorized: unknown },
    handler: async (request, reply) => {
      const { account, session } = grantedSession(request)
      const profile = readProfile(request)
      const { email, password, password_confirmation: confirmation, current_password: current } = profile
      const attributes = readAttributes(request)
      if (email === undefined && password === undefined && Object.keys(attributes).length === 0)
        return reply.code(422).send(statusError('Please submit proper account update data in request body.'))

      const refuse = (wrong: Wrong) => reply.code(422).send({ status: 'error', errors: withSentences(wrong) })
      const wrong = {
        ...(email === '' && { email: ["can't be blank"] }),
        ...(password !== undefined && wrongPassword(password, confirmation)),
      }
      if (isWrong(wrong)) return refuse(wrong)
      if (current !== undefined && !(await accounts.checkPassword(account.uid, current)))
        return refuse(wrongCurrentPassword)

      const change = { ...(email !== undefined && { email }), attributes }
      const updated = await accounts.update(account.uid, change, actorOf(request))
      if (!updated.ok && updated.code === 'unknown') return reply.code(unknown.status).send(unknown.body)
      if (!updated.ok) return refuse(wrongAccount(updated))
      if (password !== undefined)
        await accounts.setPassword(account.uid, password, actorOf(request), session.handle)
      return { status: 'success', data: longUser(updated.account) }
    },
  })
}

function updatePassword(app: FastifyInstance, method: 'PUT' | 'PATCH', { accounts }: DeviseOptions): void {
  app.route({
    method,
    url: '/password',
    schema: passwordSchema,
    config: { mode: 'rotate', unauthorized: { status: 401, body: failure('Unauthorized') } },
    handler: async (request, reply) => {
      const { account, session } = grantedSession(request)
      const {
        password,
        password_confirmation: confirmation,
        current_password: current,
      } = readProfile(request)
      const state = await accounts.find(account.uid)
      if (!state?.hasPassword) return reply.code(422).send(failure(noPasswordNeeded(account.provider)))
      if (!password || !confirmation)
        return reply
          .code(422)
          .send(failure("You must fill out the fields labeled 'Password' and 'Password confirmation'."))

      const refuse = (wrong: Wrong) => reply.code(422).send({ success: false, errors: withSentences(wrong) })
      const wrong = wrongPassword(password, confirmation)
      if (isWrong(wrong)) return refuse(wrong)
      if (current !== undefined && !(await accounts.checkPassword(account.uid, current)))
        return refuse(wrongCurrentPassword)

      await accounts.setPassword(account.uid, password, actorOf(request), session.handle)
      const message = 'Your password has been successfully updated.'
      return { success: true, data: longUser(account), message }
    },
  })
}

const noPasswordNeeded = (provider: string) =>
  `This account does not require a password. Sign in using your '${humanize(provider)}' account instead.`

function deleteAccount(app: FastifyInstance, { accounts }: DeviseOptions): void {
  const unauthorized = { status: 404, body: statusError('Unable to locate account for destruction.') }
  app.delete('', { schema: deletionSchema, config: { mode: 'verify', unauthorized } }, async (request) => {
    const { uid } = granted(request).account
    await accounts.remove(uid, actorOf(request))
    return { status: 'success', message: `Account with UID '${uid}' has been destroyed.` }
  })
}
