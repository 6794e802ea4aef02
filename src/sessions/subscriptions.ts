/**
 * Push subscriptions of sessions. They are as secret as passwords (who has an endpoint can send to it, who has `auth`
 * can read), so Redis has them sealed; each is bound to its session inside the seal, and ends with it.
 */
import { type PushSubscription, readSubscription } from '../push/subscription.js'
import { placeOf } from '../store/keys.js'
import type { SessionStore } from '../store/sessions.js'
import type { Sealer } from '../token/sealed.js'
import type { VapidKeys } from '../token/vapid.js'

export interface Subscriptions {
  /** The public key that a browser asks for when it subscribes; base64url. */
  applicationServerKey(): Promise<string>
  /**
   * Ties a subscription to a session in place of the one that it had.
   *
   * @returns what is wrong with it, if something is; 'unknown' when the account has no such live session
   */
  subscribe(
    uid: string,
    handle: string,
    given: PushSubscription,
  ): Promise<'subscribed' | 'unknown' | { problem: string }>
  /** @returns false when the account has no such session, or the session no subscription */
  unsubscribe(uid: string, handle: string): Promise<boolean>
}

/** A subscription with the session that it belongs to and the text by which it is stored. */
export interface Subscriber {
  handle: string
  sealed: string
  subscription: PushSubscription
}

export interface SubscriptionReader {
  /** Those of an account's live sessions but `exceptHandle`, each endpoint once; and why others could not be opened. */
  others(uid: string, exceptHandle: string): Promise<{ subscribers: Subscriber[]; faults: unknown[] }>
  /** Takes away a subscription that is no good any more; a newer one stays. */
  forget(uid: string, subscriber: Subscriber): Promise<void>
}

export interface SubscriptionParts {
  store: Pick<SessionStore, 'list' | 'subscribe' | 'unsubscribe' | 'subscriptions'>
  sealer: Sealer
  vapid: () => Promise<VapidKeys>
  isPublicHost(host: string): Promise<boolean>
}

type Sealed = [handle: string, endpoint: string, p256dh: string, auth: string]

/** For the sealer: what is sealed here opens nowhere else. */
export const SUBSCRIPTIONS = 'countersign push subscriptions 1'

/** Not told apart: whether a name exists inside, or where it leads, is nobody's business. */
const notPublic = { problem: "'endpoint' has to be at a host of the public network." }

/** Makes the keeper of subscriptions. All of it throws StoreUnavailable. */
export function createSubscriptions(parts: SubscriptionParts): Subscriptions & SubscriptionReader {
  const { store, sealer, vapid, isPublicHost } = parts

  function seal(handle: string, { endpoint, p256dh, auth }: PushSubscription): string {
    return sealer.seal(JSON.stringify([handle, endpoint, p256dh, auth] satisfies Sealed))
  }

  /** @throws Error when it was sealed with a master key that is not there, or for another session */
  function open(handle: string, sealed: string): PushSubscription {
    // Our own writing, proved by the seal.
    const [owner, endpoint, p256dh, auth] = JSON.parse(sealer.open(sealed).text) as Sealed
    if (owner !== handle) throw new Error('a push subscription of another session')
    return { endpoint, p256dh, auth }
  }

  return {
    applicationServerKey: async () => (await vapid()).publicKey,

    async subscribe(uid, handle, given) {
      const read = readSubscription(given)
      if ('problem' in read) return read
      if (!(await isPublicHost(new URL(read.endpoint).hostname))) return notPublic
      return (await store.subscribe(placeOf(uid), handle, seal(handle, read))) ? 'subscribed' : 'unknown'
    },

    unsubscribe: (uid, handle) => store.unsubscribe(placeOf(uid), handle),

    async others(uid, exceptHandle) {
      const place = placeOf(uid)
      const handles = (await store.list(place)).flatMap(({ session, notifications }) =>
        notifications && session.handle !== exceptHandle ? [session.handle] : [],
      )
      const sealed = await store.subscriptions(place.tag, handles)
      const byEndpoint = new Map<string, Subscriber>()
      const faults: unknown[] = []
      for (const [handle, text] of sealed)
        try {
          const subscription = open(handle, text)
          byEndpoint.set(subscription.endpoint, { handle, sealed: text, subscription })
        } catch (fault) {
          faults.push(fault)
        }
      return { subscribers: [...byEndpoint.values()], faults }
    },

    async forget(uid, { handle, sealed }) {
      await store.unsubscribe(placeOf(uid), handle, sealed)
    },
  }
}
