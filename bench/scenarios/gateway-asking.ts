import { ask } from '../load.js'
import type { Conversation } from '../scenario.js'
import type { Opened } from '../service-client.js'

/** Conversations of a gateway about sessions, each of them accepted once already. */
export async function gatewayAsking(url: string, sessions: readonly Opened[]): Promise<Conversation[]> {
  const conversations = sessions.map(
    ({ uid, handle, token }): Conversation => ({
      request: { method: 'GET', path: '/gateway/nginx', headers: { authorization: `Bearer ${token}` } },
      receive({ status, headers, body }) {
        const isRight =
          status === 200 && headers['x-auth-subject'] === uid && headers['x-auth-session'] === handle
        return isRight ? undefined : `${status} ${JSON.stringify(headers)} ${body}`
      },
    }),
  )
  for (const { request, receive } of conversations) {
    const problem = receive(await ask(url, request))
    if (problem !== undefined) throw new Error(problem)
  }
  return conversations
}
