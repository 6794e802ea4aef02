/** An account's sessions as their owner sees them. */
import type { ListedSession, SessionView } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { SessionStore } from '../store/sessions.js'
import type { Countersigner } from '../token/countersign.js'

export interface Lister {
  /** Most recently used first; expired JWTs too, as long as they linger. */
  list(uid: string): Promise<SessionView[]>
  find(uid: string, handle: string): Promise<SessionView | undefined>
  /** Notes whether push messages to it tell of news. @returns the session, undefined when the account has none such */
  setNotifications(uid: string, handle: string, on: boolean): Promise<SessionView | undefined>
  /** The handle that `id` means, whether it is one or a countersigned token; undefined when it can be neither. */
  handleOf(id: string): string | undefined
}

export interface ListerParts {
  countersigner: Countersigner
  store: Pick<SessionStore, 'list' | 'setNotifications'>
}

const HANDLE = /^[\w-]{22}$/

export function createLister({ countersigner, store }: ListerParts): Lister {
  async function list(uid: string): Promise<SessionView[]> {
    const listed = await store.list(placeOf(uid))
    return listed.map(view)
  }
  async function find(uid: string, handle: string): Promise<SessionView | undefined> {
    return (await list(uid)).find((session) => session.handle === handle)
  }
  return {
    list,
    find,
    async setNotifications(uid, handle, on) {
      return (await store.setNotifications(placeOf(uid), handle, on)) ? find(uid, handle) : undefined
    },
    handleOf(id) {
      if (HANDLE.test(id)) return id
      const claim = countersigner.verify(id)
      return typeof claim === 'string' ? undefined : claim.handle
    },
  }
}

function view({ lastUse, ...session }: ListedSession): SessionView {
  return { ...session, ip: lastUse.ip, userAgent: '', location: undefined }
}
