/**
 * What one could pick instead, each configured for speed by its own documentation. A peer keeps in its session what the
 * service keeps, the account, and answers with it as `GET /auth/validate_token` does, where it has no form of its own.
 */
import type { Conversation, Environment, Peer, Request, Scenario } from '../scenario.js'

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

/** @param program in `bench/peers`; it also has `POST /login`, which opens a session for the account that it gets */
function peer(
  name: string,
  about: string,
  program: string,
  { ask, emailIn }: Question,
  demands: Omit<Peer, 'entry'>,
  environment: Environment = {},
): Scenario {
  return {
    name: `peer-${name}`,
    about,
    goals: {},
    peer: { entry: `bench/peers/${program}.mjs`, ...demands },
    environment: () => ({ NODE_ENV: 'production', ...environment }),
    async open(url, connections) {
      const converse = async (_: unknown, i: number): Promise<Conversation> => {
        const email = `user${i}@example.org`
        const account = { id: 1, uid: email, email, provider: 'email' }
        return asking(ask(await logIn(url, account)), (body) => emailIn(body) === email)
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

const stateful = { stateful: true, onlyReads: true }
const stateless = { stateful: false, onlyReads: true }

export const peers: readonly Scenario[] = [
  peer('fastify-session', '@fastify/session, ioredis', 'fastify-session', byCookie, stateful),
  peer(
    'express-session',
    'express-session, connect-redis, on Express',
    'express-session',
    byCookie,
    stateful,
  ),
  peer(
    'better-auth',
    'better-auth in Fastify, Redis as secondary storage',
    'better-auth',
    byCookie,
    stateful,
  ),
  peer(
    'better-auth-cookie',
    'the same, cached in its cookie for five minutes: no revocation within them',
    'better-auth',
    byCookie,
    stateless,
    { COOKIE_CACHE: '1' },
  ),
  peer(
    'oidc-introspection',
    'oidc-provider, introspection of an opaque access token in Redis',
    'oidc-provider',
    byIntrospection,
    stateful,
    { CLIENT_SECRET },
  ),
  peer(
    'fastify-jwt',
    '@fastify/jwt (HS256) with its cache: no revocation',
    'fastify-jwt',
    byToken,
    stateless,
    {
      JWT_ALGORITHM: 'HS256',
    },
  ),
  peer(
    'fastify-jwt-eddsa',
    '@fastify/jwt (EdDSA) with its cache: no revocation',
    'fastify-jwt',
    byToken,
    stateless,
    { JWT_ALGORITHM: 'EdDSA' },
  ),
]
