/** Tells which uses come from a country where no session of their account was used before. */
import { LRUCache } from 'lru-cache'
import type { Location } from '../location.js'
import type { ListedSession, Use } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { SessionStore } from '../store/sessions.js'

/** A use that is not written yet. */
export interface Note {
  uid: string
  tag: string
  handle: string
  use: Use
  /** ms since the epoch, by this machine's clock. */
  atMs: number
  /** Whether it is the use that opened the session. */
  isNew: boolean
}

export interface NewPlace extends Note {
  /** ISO 3166-1 alpha-2. */
  country: string
}

interface Parts {
  store: Pick<SessionStore, 'list'>
  locate(ip: string): Location | undefined
}

/** Sessions whose last address is remembered, so that only a change of it costs a look at the account. */
const REMEMBERED = 100_000

/**
 * @returns compares notes with what is stored of *all* sessions of their accounts, so call it before they are written.
 * An account that was never seen anywhere has no new place: the first sign-in is no news.
 */
export function createPlaceWatch({ store, locate }: Parts): (notes: readonly Note[]) => Promise<NewPlace[]> {
  const lastIps = new LRUCache<string, string>({ max: REMEMBERED })
  const countryOf = (ip: string | undefined) => (ip === undefined ? undefined : locate(ip)?.countryCode)

  return async (notes) => {
    const moved = notes.flatMap((note) => {
      if (!note.isNew && lastIps.get(note.handle) === note.use.ip) return []
      const country = countryOf(note.use.ip)
      return country === undefined ? [] : [{ ...note, country }]
    })
    const listed = new Map<string, Promise<ListedSession[]>>()
    const sessionsOf = (uid: string) => {
      const known = listed.get(uid) ?? store.list(placeOf(uid))
      listed.set(uid, known)
      return known
    }
    const news: NewPlace[] = []
    for (const place of moved) {
      const sessions = await sessionsOf(place.uid)
      // A session that was just opened carries its own first use already.
      const before = sessions.filter(({ handle }) => !place.isNew || handle !== place.handle)
      const known = new Set(before.map(({ lastUse }) => countryOf(lastUse.ip)))
      known.delete(undefined)
      if (known.size > 0 && !known.has(place.country)) news.push(place)
    }
    for (const { handle, use } of notes) lastIps.set(handle, use.ip)
    return news
  }
}
