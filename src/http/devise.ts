/**
 * The devise_token_auth dialect: sign-in, sign-out and validation as its published web clients speak them. Sign-up,
 * account updates, password and deletion are in `devise-accounts.ts`; the wire format is in `devise-wire.ts`.
 */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Account } from '../account.js'
import { bearerChallenge, hasBearer } from './challenge.js'
import { type DeviseOptions, deviseAccounts, deviseSignUp } from './devise-accounts.js'
import { Failure, SignIn, signInSchema, signOutSchema, validateSchema } from './devise-schemas.js'
import { lastingHeaders, readDeviseCredential, shortUser, tokenHeaders } from './devise-wire.js'
import { dialect } from './dialect.js'
import { keepHeaderBytes } from './header-text.js'
import { checkedByHandler, parameter, parameterReader } from './parameters.js'
import { JSON_TYPE, renderedOnce } from './rendered.js'
import { type Guard, granted, grantedSession, guarded, publicly } from './scopes.js'
import { actorOf } from './use.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** devise: what a route answers without a good token; 401 with the validation's text when absent. */
    unauthorized?: { status: number; body: object }
    /** devise: the answer repeats the current token in full when it was not rotated. */
    repeatsToken?: boolean
  }
}

const failure = (...errors: string[]) => ({ success: false, errors })
const unauthorized = { status: 401, body: failure('User not found or access-token invalid.') }
const badLogin = failure('Invalid login credentials. Please try again.')

/** @returns the dialect as a plugin; register it at `/auth` */
export function devise(options: DeviseOptions): FastifyPluginAsync {
  const guard: Guard = {
    authenticator: options.sessions,
    takes: ['devise', 'sessionToken'],
    read: readDeviseCredential,
    mode(request, { mode = 'verify' }) {
      return mode === 'rotate' && isForced(parameter(request, 'unbatch')) ? 'force' : mode
    },
    refused({ code }, request, reply, route) {
      const { status, body } = route.unauthorized ?? unauthorized
      // The original has no challenge, and its clients look at none; whoever uses the scheme of RFC 6750 may expect it.
      if (status === 401 && hasBearer(request)) reply.header('www-authenticate', bearerChallenge(code))
      return reply.code(status).type(JSON_TYPE).send(rendered(body))
    },
    granted({ account, session, token, rotated, lasting }, reply, { repeatsToken }) {
      // Absent, never blank: blank headers lock out the clients that store whatever is there.
      if (session !== undefined && token !== undefined && (rotated || repeatsToken))
        reply.headers(lastingHeaders(account, session, token, lasting))
    },
  }

  return dialect({ schema: Failure, render: ({ message }) => failure(message) }, async (app) => {
    app.setValidatorCompiler(checkedByHandler)
    app.addHook('onSend', keepHeaderBytes)
    await publicly(app, async (scope) => {
      signIn(scope, options)
      deviseSignUp(scope, options)
    })
    await guarded(app, guard, async (scope) => {
      validate(scope)
      signOut(scope, options)
      deviseAccounts(scope, options)
    })
  })
}

/** Any value but `false` asks for a rotation now. */
const isForced = (unbatch: unknown) => unbatch !== undefined && unbatch !== false && unbatch !== 'false'

function signIn(app: FastifyInstance, { accounts, sessions }: DeviseOptions): void {
  const read = parameterReader(SignIn)
  app.post('/sign_in', { schema: signInSchema }, async (request, reply) => {
    const { email, uid, username, password: given } = read(request)
    const login = email ?? uid ?? username ?? single(request.headers.email)
    const password = given ?? single(request.headers.password)
    if (!login || !password) return reply.code(401).send(badLogin)

    const authenticated = await accounts.authenticate(login, password)
    if (!authenticated.ok)
      return reply.code(401).send(authenticated.code === 'suspended' ? failure('User suspended.') : badLogin)

    const { account, passwordMark } = authenticated
    const actor = actorOf(request, account.uid)
    const opened = await sessions.open({ account, kind: 'rotating', warrant: { passwordMark }, actor })
    if (!opened.ok) return reply.code(401).send(badLogin)
    return reply
      .headers(tokenHeaders(opened.account, opened.session, opened.token))
      .send({ data: shortUser(opened.account) })
  })

  app.get('/sign_in', { config: { refusesVerb: true } }, (_request, reply) =>
    reply
      .code(405)
      .header('allow', 'POST')
      .send(failure('Use POST /sign_in to sign in. GET is not supported.')),
  )
}

const single = (value: string | string[] | undefined) => (typeof value === 'string' ? value : undefined)

const rendered = renderedOnce((body: object) => JSON.stringify(body))
const validated = renderedOnce((account: Account) =>
  JSON.stringify({ success: true, data: shortUser(account) }),
)

function validate(app: FastifyInstance): void {
  app.get(
    '/validate_token',
    { schema: validateSchema, config: { mode: 'rotate', repeatsToken: true } },
    (request, reply) => {
      reply.type(JSON_TYPE).send(validated(granted(request).account))
    },
  )
}

function signOut(app: FastifyInstance, { sessions }: DeviseOptions): void {
  const config = {
    mode: 'verify',
    unauthorized: { status: 404, body: failure('User was not found or was not logged in.') },
  } as const
  app.delete('/sign_out', { schema: signOutSchema, config }, async (request) => {
    const { session } = grantedSession(request)
    await sessions.end(session.uid, session.handle, 'signed-out', actorOf(request))
    return { success: true }
  })
}
