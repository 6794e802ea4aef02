import type { Conversation } from '../scenario.js'
import type { Opened } from '../service-client.js'
import { askEach, drawing, type Question } from './crowd.js'

/** Conversations of a gateway that asks at `path` about any of `sessions`; each of them has been accepted once already. */
export async function gatewayAsking(
  url: string,
  sessions: readonly Opened[],
  connections: number,
  path = '/gateway/nginx',
): Promise<Conversation[]> {
  const questions = sessions.map((session) => gatewayQuestion(session, path))
  await askEach(url, questions, connections)
  return drawing(questions, connections)
}

/** Whether the holder of a session's token may pass. */
export function gatewayQuestion({ uid, handle, token }: Opened, path = '/gateway/nginx'): Question {
  return {
    request: { method: 'GET', path, headers: { authorization: `Bearer ${token}` } },
    judge({ status, headers, body }) {
      const isRight =
        status === 200 && headers['x-auth-subject'] === uid && headers['x-auth-session'] === handle
      return isRight ? undefined : `${status} ${JSON.stringify(headers)} ${body}`
    },
  }
}
