/**
 * The Specter dialect: personal access tokens (JWTs) with a description and a life such as "6 hours". Basic credentials or
 * a session's token manage them; a JWT opens everything else, and cannot mint more of its kind.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { handleOfUuid, type Refusal, type Session, uuidOfHandle, warrantOf } from '../session.js'
import type { Credential } from '../sessions/credential.js'
import type { Sessions } from '../sessions/sessions.js'
import { Type } from '../typebox.js'
import { readBasic } from './basic.js'
import { basicChallenge, bearerChallenge, hasBearer } from './challenge.js'
import { readCredential } from './credentials.js'
import { dialect } from './dialect.js'
import { parseLife } from './duration.js'
import { checkedByHandler, parameterReader } from './parameters.js'
import { type Guard, granted, guarded } from './scopes.js'
import { createSchema, deleteSchema, listSchema, NewToken, readSchema } from './specter-schemas.js'
import { actorOf } from './use.js'

export interface SpecterOptions {
  sessions: Sessions
  /** The longest life that may be asked for, ms. */
  longestLifeMs: number
}

const failure = (message: string) => ({ message })
const Failure = Type.Object({ message: Type.String() }, { title: 'SpecterFailure' })
const unauthorized = failure(
  "The server could not verify that you are authorized to access the URL requested. You either supplied the wrong credentials (e.g. a bad password), or your browser doesn't understand how to supply the credentials required.",
)
const unknownToken = failure('Token does not exist, make sure to enter correct token id')
const badDescription = failure('Token description already exists or is blank')

/** @returns the dialect as a plugin; register it at `/v1alpha/token` */
export function specter({ sessions, longestLifeMs }: SpecterOptions): FastifyPluginAsync {
  const managers: Guard = {
    authenticator: sessions,
    takes: ['basic', 'sessionToken', 'devise'],
    read: readManager,
    refused: refuseManager,
  }
  return dialect({ schema: Failure, render: ({ message }) => failure(message) }, (app) =>
    guarded(app, managers, async (scope) => {
      scope.setValidatorCompiler(checkedByHandler)
      await readBasic(scope)
      listTokens(scope, sessions)
      createToken(scope, sessions, longestLifeMs)
      readToken(scope, sessions)
      deleteToken(scope, sessions)
    }),
  )
}

const refuseManager = ({ code }: Refusal, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  reply
    .code(401)
    .header('www-authenticate', [basicChallenge, ...(hasBearer(request) ? [bearerChallenge(code)] : [])])
    .send(unauthorized)

function readManager(request: FastifyRequest): Credential {
  const credential = readCredential(request)
  return credential.kind === 'jwt' ? { kind: 'token', token: credential.jwt } : credential
}

const lifeOf = ({ createdAt, endsAt }: Session) => (endsAt - createdAt) / 1000
const remainingLifeOf = ({ endsAt }: Session) => Math.max(0, (endsAt - Date.now()) / 1000)

function listTokens(app: FastifyInstance, sessions: Sessions): void {
  app.get('', { schema: listSchema }, async (request) => {
    const listed = await sessions.list(granted(request).account.uid)
    const tokens = listed.filter(({ session }) => session.kind === 'jwt')
    return {
      message: 'Tokens exists',
      jwt_tokens: Object.fromEntries(
        tokens.map(({ session, description = '' }) => [
          uuidOfHandle(session.handle),
          {
            jwt_token_description: description,
            jwt_token_life: lifeOf(session),
            jwt_token_remaining_life: remainingLifeOf(session),
          },
        ]),
      ),
    }
  })
}

function createToken(app: FastifyInstance, sessions: Sessions, longestLifeMs: number): void {
  const read = parameterReader(NewToken)
  app.post('', { schema: createSchema }, async (request, reply) => {
    const { jwt_token_description: description, jwt_token_life: life } = read(request)
    const seconds = parseLife(life)
    const problem = lifeProblem(seconds, longestLifeMs / 1000)
    if (seconds === undefined || problem !== undefined) return reply.code(400).send(failure(problem ?? ''))
    if (description.trim() === '') return reply.code(400).send(badDescription)

    const grant = granted(request)
    const lifeMs = Math.round(seconds * 1000)
    const opened = await sessions.open({
      account: grant.account,
      kind: 'jwt',
      warrant: warrantOf(grant),
      actor: actorOf(request),
      description,
      lifeMs,
    })
    if (!opened.ok) {
      const { code } = opened
      return code === 'description-taken'
        ? reply.code(400).send(badDescription)
        : refuseManager({ code }, request, reply)
    }
    return reply.code(201).send({
      message: 'Token generated',
      jwt_token_id: uuidOfHandle(opened.session.handle),
      jwt_token: opened.token,
      jwt_token_description: description,
      jwt_token_life: lifeMs / 1000,
    })
  })
}

function lifeProblem(seconds: number | undefined, longestSeconds: number): string | undefined {
  if (seconds === undefined)
    return 'jwt_token_life must be a life such as "6 hours", "1h30m", "1:02:03" or a number of seconds'
  if (seconds < 0.001) return 'jwt_token_life must be more than zero'
  if (seconds > longestSeconds) return `jwt_token_life must be at most ${longestSeconds} seconds`
  return undefined
}

interface TokenRoute {
  Params: { id: string }
}

function readToken(app: FastifyInstance, sessions: Sessions): void {
  app.get<TokenRoute>('/:id', { schema: readSchema }, async (request, reply) => {
    const handle = handleOfUuid(request.params.id)
    const token = handle === undefined ? undefined : await sessions.find(granted(request).account.uid, handle)
    if (token?.session.kind !== 'jwt') return reply.code(404).send(unknownToken)
    const remaining = remainingLifeOf(token.session)
    return {
      message: 'Tokens exists',
      jwt_token_description: token.description ?? '',
      jwt_token_life: lifeOf(token.session),
      jwt_token_life_remaining: remaining,
      expiry_status: remaining > 0 ? 'Valid' : 'Expired',
    }
  })
}

function deleteToken(app: FastifyInstance, sessions: Sessions): void {
  app.delete<TokenRoute>('/:id', { schema: deleteSchema }, async (request, reply) => {
    const { uid } = granted(request).account
    const handle = handleOfUuid(request.params.id)
    const token = handle === undefined ? undefined : await sessions.find(uid, handle)
    const ended =
      token?.session.kind === 'jwt' &&
      (await sessions.end(uid, token.session.handle, 'deleted', actorOf(request)))
    return ended ? { message: 'Token deleted' } : reply.code(404).send(unknownToken)
  })
}
