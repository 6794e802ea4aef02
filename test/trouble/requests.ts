/** What is asked of the service while Redis is in trouble: one request of each sort, and what it needs of Redis. */
import type { SignedIn, TestService } from '../support/service.js'
import { ada } from '../support/service.js'

/** `rewrite`: writes, but takes no more room than there is already. */
export type Need = 'nothing' | 'read' | 'rewrite' | 'grow'

export interface Asked {
  name: string
  needs: Need
  /** When Redis can do what is needed. */
  status: number
  send(): Promise<Response>
  /** How its dialect says that Redis cannot. */
  unavailable: object
  /** For a moment it can be answered from what is remembered, too. */
  remembered?: true
}

export interface Prepared {
  /** Presented again and again: nothing of it changes. */
  settled: SignedIn
  /** Not presented yet, so that the first time rotates it. */
  fresh: SignedIn
  leaving: SignedIn
}

const message = 'The session store is not available. Try again.'
const devise = { success: false, errors: [message] }
const gigadrive = { error: message }
const specter = { message }
const problem = { title: 'Service Unavailable', status: 503, detail: message }

/**
 * Sessions in the states that the requests speak of. Nothing of their uses is left to be written:
 * with a write of its own the service would find out about a trouble before the requests do.
 */
export async function prepare(service: TestService): Promise<Prepared> {
  return service.noted(async () => {
    const settled = await service.signIn()
    const answer = await validate(service, settled)
    settled.headers['access-token'] = answer.headers.get('access-token') ?? ''
    await validate(service, settled)
    return { settled, fresh: await service.signIn(), leaving: await service.signIn() }
  })
}

export const validate = ({ url }: TestService, { headers }: Pick<SignedIn, 'headers'>): Promise<Response> =>
  fetch(`${url}/auth/validate_token`, { headers })

let newcomers = 0

/** Those that change the least come first. */
export function requests(service: TestService, { settled, fresh, leaving }: Prepared): Asked[] {
  const { url } = service
  const ask = (path: string, init: RequestInit = {}) => fetch(`${url}${path}`, init)
  const post = (path: string, body: object) =>
    ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const { headers } = settled
  const forged = { ...headers, 'access-token': forge(headers['access-token']) }
  const { email, password } = ada

  const free = (name: string, status: number, send: () => Promise<Response>): Asked => ({
    name,
    needs: 'nothing',
    status,
    send,
    unavailable: {},
  })
  return [
    free('healthz', 200, () => ask('/healthz')),
    free('the public keys', 200, () => ask('/.well-known/jwks.json')),
    free('a forged token', 401, () => ask('/auth/validate_token', { headers: forged })),
    free('validation without credentials', 401, () => ask('/auth/validate_token')),
    free('sign-out without credentials', 404, () => ask('/auth/sign_out', { method: 'DELETE' })),
    free('Gigadrive without credentials', 401, () => ask('/token')),
    free('Specter without credentials', 401, () => ask('/v1alpha/token')),
    free('/accounts without credentials', 401, () => ask('/accounts')),
    free('a sign-in without a password', 401, () => post('/auth/sign_in', { email })),
    free('an unknown path', 404, () => ask('/auth/nowhere')),
    {
      name: 'readyz',
      needs: 'read',
      status: 200,
      send: () => ask('/readyz'),
      unavailable: { status: 'unavailable', redis: 'unavailable' },
    },
    {
      name: 'a token in its window',
      needs: 'read',
      status: 200,
      send: () => validate(service, settled),
      unavailable: devise,
      remembered: true,
    },
    {
      name: 'the Gigadrive list',
      needs: 'read',
      status: 200,
      send: () => ask('/token', { headers }),
      unavailable: gigadrive,
    },
    {
      name: 'the Specter list',
      needs: 'read',
      status: 200,
      send: () => ask('/v1alpha/token', { headers }),
      unavailable: specter,
    },
    {
      name: '/accounts',
      needs: 'read',
      status: 200,
      send: () => ask('/accounts', { headers }),
      unavailable: problem,
    },
    {
      name: 'a token that is due',
      needs: 'rewrite',
      status: 200,
      send: () => validate(service, fresh),
      unavailable: devise,
    },
    {
      name: 'sign-in',
      needs: 'grow',
      status: 200,
      send: () => post('/auth/sign_in', { email, password }),
      unavailable: devise,
    },
    {
      name: 'sign-up',
      needs: 'grow',
      status: 200,
      send: () => post('/auth', newcomer(password)),
      unavailable: devise,
    },
    {
      name: 'sign-out',
      needs: 'rewrite',
      status: 200,
      send: () => ask('/auth/sign_out', { method: 'DELETE', headers: leaving.headers }),
      unavailable: devise,
    },
  ]
}

function newcomer(password: string): object {
  newcomers++
  return { email: `new${newcomers}@example.com`, password, password_confirmation: password }
}

/** Its spelling stays right, its MAC does not. */
function forge(token: string): string {
  const at = token.length - 10
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
