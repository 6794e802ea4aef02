/** The load: autocannon, one conversation a connection, every answer checked. */
import autocannon from 'autocannon'
import { bytesOf } from './request-bytes.js'
import type { Answer, Conversation, Request } from './scenario.js'

export interface Load {
  requests: number
  durationMs: number
  /** Bytes of all answers, heads included. */
  bytes: number
  /** Of each request, ms, ascending. */
  latenciesMs: Float64Array
}

/** A request as autocannon keeps it. */
interface Sent extends autocannon.Request {
  /** What it sends. */
  requestBuffer?: Buffer
}

/**
 * Sends `requests` requests in all, each connection one after the other. An amount and not a duration, because a duration
 * ends in the middle of answers, and with them the chain of a rotating token is lost.
 *
 * The bytes of every request are built anew, also of one that is like the last: what is compared gets the same load only from a
 * generator that has the same work with it. It is little work, so that the server has most: one that waits in between does
 * less in each turn of its event loop, and each request costs more. (Built by autocannon itself, requests that change made a floor a third dearer
 * than one that was always asked the same.) So we put them where autocannon keeps them, in the request that we gave it.
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
  const server = new URL(url)
  const latenciesMs = new Float64Array(requests)
  let answered = 0
  let bytes = 0
  let problem: string | undefined
  let opened = 0

  const setupClient = (client: autocannon.Client): void => {
    const conversation = conversations[opened++ % conversations.length] as Conversation // never empty
    const onResponse: autocannon.Request['onResponse'] = (status, body, _context, headers) => {
      problem ??= conversation.receive({ status, body, headers: headers ?? {} })
      sent.requestBuffer = bytesOf(server, conversation.request)
    }
    const sent: Sent = { ...conversation.request, onResponse }
    client.setRequests([sent])
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
