import type { Environment, Peer, Request, Scenario } from '../scenario.js'

/** What a holder of a session presents. */
interface Credential {
  readonly cookie: string
  readonly token: string
}

interface Subject {
  readonly name: string
  readonly about: string
  /** Its program in `bench/peers`. */
  readonly program: string
  readonly reads: Omit<Peer, 'entry'>
  readonly environment?: Environment
  request(credential: Credential): Request
  /** @returns the user that the answer names */
  userIn(body: string): unknown
}

const stateless = { stateful: false, onlyReads: true }
const reading = { stateful: true, onlyReads: true }

const me = (headers: Request['headers']): Request => ({ method: 'GET', path: '/me', headers })
const withCookie = {
  request: ({ cookie }: Credential) => me({ cookie }),
  userIn: (body: string) => JSON.parse(body).uid,
}
const withBearer = {
  request: ({ token }: Credential) => me({ authorization: `Bearer ${token}` }),
  userIn: (body: string) => JSON.parse(body).uid,
}

const CLIENT_SECRET = 'correct-horse-battery-staple'
const CLIENT_LOGIN = `Basic ${Buffer.from(`gateway:${CLIENT_SECRET}`).toString('base64')}`
const introspection = {
  request: ({ token }: Credential): Request => ({
    method: 'POST',
    path: '/token/introspection',
    headers: { authorization: CLIENT_LOGIN, 'content-type': 'application/x-www-form-urlencoded' },
    body: `token=${token}&token_type_hint=access_token`,
  }),
  userIn(body: string) {
    const { active, sub } = JSON.parse(body)
    return active === true ? sub : undefined
  },
}

const peer = ({ name, about, program, reads, environment, request, userIn }: Subject): Scenario => ({
  name: `peer-${name}`,
  about,
  goals: {},
  peer: { entry: `bench/peers/${program}.mjs`, ...reads },
  environment: () => ({ NODE_ENV: 'production', ...environment }),
  async open(url, connections) {
    const logIn = async (uid: string) => ({ uid, request: request(await credentialOf(url, uid)) })
    const users = Array.from({ length: connections }, (_, i) => `user${i}@example.org`)
    const sessions = await Promise.all(users.map(logIn))
    return sessions.map(({ uid, request }) => ({
      request,
      receive: ({ status, body }) =>
        status === 200 && userIn(body) === uid ? undefined : `not the user ${uid}: ${status} ${body}`,
    }))
  },
})

async function credentialOf(url: string, uid: string): Promise<Credential> {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uid }),
  })
  const body = await response.text()
  if (response.status !== 200) throw new Error(`no session for ${uid}: ${response.status} ${body}`)
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0])
  return { cookie: cookies.join('; '), token: JSON.parse(body).token }
}

/** What one could pick instead, each configured for speed by its own documentation. */
export const peers: readonly Scenario[] = [
  peer({
    name: 'fastify-session',
    about: '@fastify/session, JSON in Redis by ioredis',
    program: 'fastify-session',
    reads: reading,
    ...withCookie,
  }),
  peer({
    name: 'express-session',
    about: 'express-session and connect-redis on Express',
    program: 'express-session',
    reads: reading,
    ...withCookie,
  }),
  peer({
    name: 'better-auth',
    about: 'better-auth in Fastify, Redis as secondary storage',
    program: 'better-auth',
    reads: reading,
    ...withCookie,
  }),
  peer({
    name: 'better-auth-cookie',
    about:
      'better-auth in Fastify, from its signed cookie of five minutes; what is revoked meanwhile stays good',
    program: 'better-auth',
    reads: stateless,
    environment: { COOKIE_CACHE: '1' },
    ...withCookie,
  }),
  peer({
    name: 'oidc-introspection',
    about: 'oidc-provider, introspection of an opaque access token in Redis',
    program: 'oidc-provider',
    reads: reading,
    environment: { CLIENT_SECRET },
    ...introspection,
  }),
  ...['HS256', 'EdDSA'].map((algorithm) =>
    peer({
      name: algorithm === 'HS256' ? 'fastify-jwt' : 'fastify-jwt-eddsa',
      about: `@fastify/jwt with its cache (${algorithm}); cannot revoke`,
      program: 'fastify-jwt',
      reads: stateless,
      environment: { JWT_ALGORITHM: algorithm },
      ...withBearer,
    }),
  ),
]
