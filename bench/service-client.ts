/** A service that authenticates people itself: it opens sessions for them, and asks about their tokens. */
import { randomUUID } from 'node:crypto'
import { ask } from './load.js'
import type { Request } from './scenario.js'

const PASSWORD = 'correct horse battery staple'
/** Below the default cap, so that no session pushes out another. */
const SESSIONS_AN_ACCOUNT = 8

/** What a service in these scenarios is started with. */
export const withAdmin = { COUNTERSIGN_ADMIN_PASSWORD: PASSWORD }
export const adminLogin = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`

/** A session with what its holder presents. */
export interface Opened {
  readonly uid: string
  readonly handle: string
  readonly token: string
}

/** Opens sessions of one kind. @param anAccount how many of them each account has */
export async function openSessions(
  url: string,
  kind: 'rotating' | 'fixed' | 'jwt',
  count: number,
  anAccount = SESSIONS_AN_ACCOUNT,
): Promise<Opened[]> {
  const run = randomUUID()
  const opened: Opened[] = []
  for (let i = 0; i < count; i++) {
    const uid = `user${Math.floor(i / anAccount)}-${run}`
    const wanted = { kind, create: { provider: 'local' }, ...(kind === 'jwt' && { description: `job ${i}` }) }
    const { status, body } = await ask(url, postJson(`/accounts/${uid}/sessions`, wanted))
    if (status !== 201) throw new Error(`no session for ${uid}: ${status} ${body}`)
    const { id: handle, token } = JSON.parse(body) as { id: string; token: string }
    opened.push({ uid, handle, token })
  }
  return opened
}

/** @returns headers of a service that has a token instead of its password: who asks is then known from memory, too */
export async function withOwnToken(url: string): Promise<Request['headers']> {
  const { status, body } = await ask(url, postJson('/token', {}))
  if (status !== 201) throw new Error(`no token for the service: ${status} ${body}`)
  const { id: token } = JSON.parse(body) as { id: string }
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
}

export function postJson(path: string, content: object): Request {
  return {
    method: 'POST',
    path,
    headers: { authorization: adminLogin, 'content-type': 'application/json' },
    body: JSON.stringify(content),
  }
}
