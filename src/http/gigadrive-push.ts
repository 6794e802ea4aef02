/** `/token/push`: the push subscription of the token that is presented, as a browser's `PushSubscription` writes itself. */
import type { FastifyInstance } from 'fastify'
import type { PushSubscription } from '../push/subscription.js'
import type { Subscriptions } from '../sessions/subscriptions.js'
import { isJsonObject } from './bearer.js'
import { pushKeySchema, subscribeSchema, unsubscribeSchema } from './gigadrive-schemas.js'
import { failure, notFound } from './gigadrive-wire.js'
import { granted, grantedSession } from './scopes.js'

/** Register it in a scope whose guard takes sessions' tokens alone. */
export function pushRoutes(app: FastifyInstance, subscriptions: Subscriptions): void {
  app.get('/push', { schema: pushKeySchema }, async () => ({
    applicationServerKey: await subscriptions.applicationServerKey(),
  }))

  app.post('/push', { schema: subscribeSchema }, async (request, reply) => {
    const given = readBody(request.body)
    if ('problem' in given) return reply.code(400).send(failure(given.problem))
    const { account, session } = grantedSession(request)
    const subscribed = await subscriptions.subscribe(account.uid, session.handle, given)
    if (subscribed === 'subscribed') return reply.code(204).send()
    // Its session has ended since the guard let it in.
    if (subscribed === 'unknown') return reply.code(404).send(notFound)
    return reply.code(400).send(failure(subscribed.problem))
  })

  app.delete('/push', { schema: unsubscribeSchema }, async (request, reply) => {
    const { session } = grantedSession(request)
    const ended = await subscriptions.unsubscribe(granted(request).account.uid, session.handle)
    return ended ? reply.code(204).send() : reply.code(404).send(notFound)
  })
}

/** Of the body alone, where other parameters may stand in the URL: an endpoint is a capability, and URLs are logged. */
function readBody(body: unknown): PushSubscription | { problem: string } {
  const { endpoint, keys } = isJsonObject(body) ? body : {}
  const { p256dh, auth } = isJsonObject(keys) ? keys : {}
  for (const [name, value] of Object.entries({ endpoint, 'keys.p256dh': p256dh, 'keys.auth': auth })) {
    if (value === undefined) return { problem: `'${name}' is required.` }
    if (typeof value !== 'string') return { problem: `'${name}' has to be a string.` }
  }
  return { endpoint, p256dh, auth } as PushSubscription // three strings, as was seen
}
