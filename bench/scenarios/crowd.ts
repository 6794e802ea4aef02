/** Requests about sessions that are drawn from a crowd, as a gateway meets them: hardly ever the same twice in a row. */
import { ask, drive } from '../load.js'
import type { Answer, Conversation, Request } from '../scenario.js'
import { postJson } from '../service-client.js'

/** A question about one session. */
export interface Question {
  readonly request: Request
  /** @returns what is wrong with the answer, if anything */
  judge(answer: Answer): string | undefined
}

/** Conversations that ask one of `questions` each time, at random or as `draw` says. */
export function drawing(
  questions: readonly Question[],
  connections: number,
  draw = () => Math.floor(Math.random() * questions.length),
): Conversation[] {
  return Array.from({ length: connections }, () => {
    let asked: Question | undefined
    return {
      get request() {
        asked = questions[draw()] as Question // one of them
        return asked.request
      },
      receive: (answer) => (asked === undefined ? 'nothing was asked' : asked.judge(answer)),
    }
  })
}

/**
 * Asks each of `questions` once, so that the service has all of it in memory, and has written where the sessions are used: that
 * it does at their first use, and then once a minute.
 */
export async function askEach(
  url: string,
  questions: readonly Question[],
  connections: number,
): Promise<void> {
  let next = 0
  const conversations = drawing(questions, connections, () => next++ % questions.length)
  const requests = connections * Math.ceil(questions.length / connections)
  await drive(url, conversations, requests, new AbortController().signal)
}

const MOST_AT_ONCE = 256

/** Has the service, started `withAdmin`, judge `tokens` once, so that it has them all in memory. */
export async function acquaint(url: string, tokens: readonly string[]): Promise<void> {
  for (let i = 0; i < tokens.length; i += MOST_AT_ONCE) {
    const part = tokens.slice(i, i + MOST_AT_ONCE)
    const { status, body } = await ask(url, postJson('/verify', { tokens: part }))
    const good = body.split('"active":true').length - 1
    if (status !== 200 || good !== part.length)
      throw new Error(`${status}, ${good} good: ${body.slice(0, 200)}`)
  }
}
