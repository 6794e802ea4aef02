/**
 * What one could pick instead, each configured for speed by its own documentation. A peer keeps in its session what the
 * service keeps, the account, and answers with it as `GET /auth/validate_token` does, where it has no form of its own.
 */
import { readFileSync } from 'node:fs'
import { ask } from '../load.js'
import type { Conversation, Environment, Request, Scenario } from '../scenario.js'

/** What somebody presents who has logged in: what the peer gave of the two. */
interface Credential {
  readonly cookie: string
  readonly token: string
}

interface Account {
  readonly id: number
  readonly uid: string
  readonly email: string
  readonly provider: string
}

/** How a peer is asked whose session it is. */
interface Question {
  ask(credential: Credential): Request
  /** @returns the account's email address, if the answer says that the session is good */
  emailIn(body: string): unknown
}

interface Setup {
  readonly name: string
  readonly packages: readonly string[]
  readonly about: string
  /** In `bench/peers`. It also has `POST /login`, which opens a session for the account that it gets. */
  readonly program: string
  readonly question: Question
  readonly stateful: boolean
  readonly environment?: Environment
}

const manifest = JSON.parse(readFileSync('bench/peers/package.json', 'utf8'))

function peer({ name, packages, about, program, question, stateful, environment }: Setup): Scenario {
  const versions = packages.map((name) => `${name} ${manifest.dependencies[name]}`)
  return {
    name: `peer-${name}`,
    about: `${versions.join(', ')}: ${about}`,
    goals: {},
    peer: { entry: `bench/peers/${program}.mjs`, stateful, onlyReads: true },
    environment: () => ({ NODE_ENV: 'production', ...environment }),
    async open(url, connections) {
      const converse = async (_: unknown, i: number): Promise<Conversation> => {
        const email = `user${i}@example.org`
        const credential = await logIn(url, { id: 1, uid: email, email, provider: 'email' })
        const conversation = asking(question.ask(credential), (body) => question.emailIn(body) === email)
        const problem = conversation.receive(await ask(url, conversation.request))
        if (problem !== undefined) throw new Error(problem)
        return conversation
      }
      return Promise.all(Array.from({ length: connections }, converse))
    },
  }
}

async function logIn(url: string, account: Account): Promise<Credential> {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  })
  const body = await response.text()
  if (response.status !== 200) throw new Error(`no session for ${account.uid}: ${response.status} ${body}`)
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0])
  return { cookie: cookies.join('; '), token: JSON.parse(body).token }
}

/** Asks the same for ever; each answer must be the first one. */
function asking(request: Request, isRight: (body: string) => boolean): Conversation {
  let expectedBody: string | undefined
  return {
    request,
    receive({ status, body }) {
      if (expectedBody === undefined && status === 200 && isRight(body)) expectedBody = body
      return status === 200 && body === expectedBody ? undefined : `the wrong answer: ${status} ${body}`
    },
  }
}

const whoAmI = (headers: Request['headers']): Request => ({ method: 'GET', path: '/me', headers })
const accountIn = (body: string): unknown => JSON.parse(body).data?.email
const byCookie: Question = { ask: ({ cookie }) => whoAmI({ cookie }), emailIn: accountIn }
const byToken: Question = {
  ask: ({ token }) => whoAmI({ authorization: `Bearer ${token}` }),
  emailIn: accountIn,
}

const CLIENT_SECRET = 'correct-horse-battery-staple'
const byIntrospection: Question = {
  ask: ({ token }) => ({
    method: 'POST',
    path: '/token/introspection',
    headers: {
      authorization: `Basic ${Buffer.from(`gateway:${CLIENT_SECRET}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: `token=${token}&token_type_hint=access_token`,
  }),
  emailIn(body) {
    const { active, sub } = JSON.parse(body)
    return active === true ? sub : undefined
  },
}

const betterAuth = {
  packages: ['better-auth', 'ioredis'],
  program: 'better-auth',
  question: byCookie,
}
const jwt = (algorithm: string) => ({
  packages: ['@fastify/jwt'],
  about: `${algorithm} from its cache of verified tokens; nothing can be revoked`,
  program: 'fastify-jwt',
  question: byToken,
  stateful: false,
  environment: { JWT_ALGORITHM: algorithm },
})

export const peers: readonly Scenario[] = [
  peer({
    name: 'fastify-session',
    packages: ['@fastify/session', 'ioredis'],
    about: 'the session of a cookie',
    program: 'fastify-session',
    question: byCookie,
    stateful: true,
  }),
  peer({
    name: 'express-session',
    packages: ['express', 'express-session', 'connect-redis'],
    about: 'the session of a cookie',
    program: 'express-session',
    question: byCookie,
    stateful: true,
  }),
  peer({
    ...betterAuth,
    name: 'better-auth',
    about: 'getSession in Fastify, Redis as secondary storage',
    stateful: true,
  }),
  peer({
    ...betterAuth,
    name: 'better-auth-cookie',
    about: 'the same from its cookie cache; what is revoked stays good for five minutes',
    stateful: false,
    environment: { COOKIE_CACHE: '1' },
  }),
  peer({
    name: 'oidc-introspection',
    packages: ['oidc-provider', 'ioredis'],
    about: 'introspection of an opaque access token',
    program: 'oidc-provider',
    question: byIntrospection,
    stateful: true,
    environment: { CLIENT_SECRET },
  }),
  peer({ ...jwt('HS256'), name: 'fastify-jwt' }),
  peer({ ...jwt('EdDSA'), name: 'fastify-jwt-eddsa' }),
]
