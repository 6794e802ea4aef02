/** A service with a caller who may ask about tokens, and sessions of every kind to ask about. */
import type { Test } from 'tap'
import type { Kind } from '../../src/session.js'
import { ada, startService, type TestService, type TestServiceOptions } from './service.js'

/** The OAuth client: an account with the role `service`. */
export const worker = {
  uid: 'worker',
  provider: 'local',
  password: 'a password for it',
  roles: ['service'],
} as const

export const kinds = ['rotating', 'fixed', 'jwt'] as const satisfies readonly Kind[]

export const basic = (login: string, password: string) =>
  `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`
export const asWorker = { authorization: basic(worker.uid, worker.password) }
export const asAda = { authorization: basic(ada.uid, ada.password) }

export interface Opened {
  id: string
  token: string
}

export async function startOAuth(t: Test, options: TestServiceOptions = {}): Promise<TestService> {
  const service = await startService(t, options)
  await service.addAccount()
  await service.addAccount(worker)
  return service
}

/** Opens a session of `ada`, unless told otherwise. */
export async function openSession(
  { app }: TestService,
  wanted: { kind?: Kind; scopes?: string[]; life?: string | number; create?: object },
  uid: string = ada.uid,
): Promise<Opened> {
  const url = `/accounts/${encodeURIComponent(uid)}/sessions`
  const opened = await app.inject({ method: 'POST', url, headers: asWorker, payload: wanted })
  if (opened.statusCode !== 201) throw new Error(`${uid}: ${opened.statusCode} ${opened.body}`)
  return opened.json()
}

/** Posts a form to an OAuth endpoint, as `worker` unless told otherwise. */
export async function postForm(
  { app }: TestService,
  url: '/oauth2/introspect' | '/oauth2/revoke',
  form: Record<string, string> | string,
  headers: Record<string, string> = asWorker,
) {
  const answer = await app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
  })
  return { status: answer.statusCode, body: answer.json(), text: answer.body, headers: answer.headers }
}
