/** The load: autocannon, one conversation a connection, every answer checked. */
import autocannon from 'autocannon'
import type { Answer, Conversation, Request } from './scenario.js'

export interface Load {
  requests: number
  durationMs: number
  /** Bytes of all answers, heads included. */
  bytes: number
  /** Of each request, ms, ascending. */
  latenciesMs: Float64Array
}

/**
 * Sends `requests` requests in all, each connection one after the other. An amount and not a duration, because a duration
 * ends in the middle of answers, and with them the chain of a rotating token is lost.
 *
 * What changes from request to request is set from `onResponse`: autocannon clears its `context` after each pass over its requests.
 *
 * @param signal ends it early
 * @throws Error with the first thing that was wrong; what was measured beside it says nothing
 */
export async function drive(
  url: string,
  conversations: readonly Conversation[],
  requests: number,
  signal: AbortSignal,
): Promise<Load> {
  const latenciesMs = new Float64Array(requests)
  let answered = 0
  let bytes = 0
  let problem: string | undefined
  let opened = 0

  const setupClient = (client: autocannon.Client): void => {
    const conversation = conversations[opened++ % conversations.length] as Conversation // never empty
    let sent = conversation.request
    const send = (request: Request) => client.setRequests([{ ...request, onResponse }])
    const onResponse: autocannon.Request['onResponse'] = (status, body, _context, headers) => {
      problem ??= conversation.receive({ status, body, headers: headers ?? {} })
      const next = conversation.request
      if (next === sent) return
      if (next.method !== sent.method || next.path !== sent.path || next.body !== sent.body) send(next)
      else client.setHeaders({ ...next.headers })
      sent = next
    }
    send(sent)
  }

  const startedAt = performance.now()
  let durationMs = 0
  await new Promise<void>((resolve, reject) => {
    const instance = autocannon(
      { url, connections: conversations.length, amount: requests, sampleInt: 20, bailout: 1, setupClient },
      (error) => (error ? reject(error) : resolve()),
    )
    const stop = () => instance.stop()
    signal.addEventListener('abort', stop)
    instance.on('done', () => signal.removeEventListener('abort', stop))
    instance.on('response', (_client, _status, answerBytes, latencyMs) => {
      latenciesMs[answered++] = latencyMs
      bytes += answerBytes
      if (answered === requests) durationMs = performance.now() - startedAt
      if (problem !== undefined) instance.stop()
    })
    instance.on('reqError', (error) => {
      problem ??= String(error)
    })
  })
  signal.throwIfAborted()
  if (problem !== undefined) throw new Error(problem)
  if (answered !== requests) throw new Error(`${answered} answers to ${requests} requests`)
  return { requests, durationMs, bytes, latenciesMs: latenciesMs.sort() }
}

/** One exchange beside the load. */
export async function ask(url: string, { method, path, headers, body }: Request): Promise<Answer> {
  const response = await fetch(url + path, { method, headers, ...(body !== undefined && { body }) })
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}
