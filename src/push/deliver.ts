/** Hands one message to one push service (RFC 8030): encrypted for the browser (RFC 8291), signed by us (RFC 8292). */
import { type Agent, request } from 'node:https'
import type { VapidKeys } from '../token/vapid.js'
import type { PushSubscription } from './subscription.js'

/** `gone`: the service does not know the subscription any more. `why` is a status or an error's code, and tells no secret. */
export type Delivery = { result: 'delivered' | 'gone' } | { result: 'failed'; why: string }

/** Hands over `text`, at most 3,993 bytes. Never throws. */
export type Deliver = (subscription: PushSubscription, text: string, keys: VapidKeys) => Promise<Delivery>

export interface DeliverOptions {
  agent: Agent
  /** By which the push service reaches who runs this: a `mailto:` or `https:` URI. */
  contact: string
  timeoutMs?: number
}

const TIMEOUT_MS = 5_000
/** For how long the service keeps the message for a browser that is not there: news of a sign-in are still news tomorrow. */
const TTL_SECONDS = 86_400
const ENCODING = 'aes128gcm'

/** Makes the way to push services. Redirects are answers like others, not followed; what an answer says is not read. */
export function createDeliver({ agent, contact, timeoutMs = TIMEOUT_MS }: DeliverOptions): Deliver {
  return async ({ endpoint, p256dh, auth }, text, { publicKey, privateKey }) => {
    try {
      const { default: webPush } = await import('web-push') // hardly ever needed: without it, we start sooner
      const { origin } = new URL(endpoint)
      const { cipherText } = webPush.encrypt(p256dh, auth, text, ENCODING)
      const vapid = webPush.getVapidHeaders(origin, contact, publicKey, privateKey, ENCODING)
      const headers = {
        ...vapid,
        'Content-Type': 'application/octet-stream',
        'Content-Encoding': ENCODING,
        'Content-Length': cipherText.length,
        TTL: TTL_SECONDS,
        Urgency: 'high',
      }
      const status = await post(
        endpoint,
        { agent, headers, signal: AbortSignal.timeout(timeoutMs) },
        cipherText,
      )
      if (status >= 200 && status < 300) return { result: 'delivered' }
      return status === 404 || status === 410
        ? { result: 'gone' }
        : { result: 'failed', why: `status ${status}` }
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : 'no code'
      return { result: 'failed', why: String(code) }
    }
  }
}

/** @returns the status; the connection ends there, however much the other side has to say */
function post(url: string, options: Parameters<typeof request>[1], body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { ...options, method: 'POST' }, (response) => {
      response.destroy()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end(body)
  })
}
