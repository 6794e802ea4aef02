/** Tells which uses come from a country where no session of their account was used last. */
import { LRUCache } from 'lru-cache'
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

export interface PlaceWatch {
  /**
   * Compares notes with what is stored of *all* sessions of their accounts: call it before they are written. An account
   * that was never seen anywhere has no new place: its first sign-in is no news.
   *
   * @throws StoreUnavailable
   */
  find(notes: readonly Note[]): Promise<NewPlace[]>
  /** Call it when they have been written: only a change of address costs a look at the account. */
  remember(notes: readonly Note[]): void
}

interface Parts {
  store: Pick<SessionStore, 'list'>
  countryOf(ip: string): string | undefined
}

/** Sessions whose last address is remembered. */
const REMEMBERED = 100_000

/** Watches over the places of all accounts of one store. */
export function createPlaceWatch({ store, countryOf }: Parts): PlaceWatch {
  const lastIps = new LRUCache<string, string>({ max: REMEMBERED })

  const countriesOf = (sessions: readonly ListedSession[]) =>
    new Set(sessions.map(({ lastUse }) => lastUse.ip && countryOf(lastUse.ip)).filter(Boolean))

  return {
    async find(notes) {
      const byAccount = new Map<string, NewPlace[]>()
      for (const note of notes) {
        if (!note.isNew && lastIps.get(note.handle) === note.use.ip) continue
        const country = countryOf(note.use.ip)
        if (country === undefined) continue
        const places = byAccount.get(note.uid) ?? []
        byAccount.set(note.uid, [...places, { ...note, country }])
      }
      const news: NewPlace[] = []
      for (const [uid, places] of byAccount) {
        const sessions = await store.list(placeOf(uid))
        const told = new Set<string>()
        for (const place of places) {
          const before = countriesOf(place.isNew ? olderThan(place, sessions) : sessions)
          if (before.size === 0 || before.has(place.country) || told.has(place.country)) continue
          told.add(place.country)
          news.push(place)
        }
      }
      return news
    },

    remember(notes) {
      for (const { handle, use } of notes) lastIps.set(handle, use.ip)
    },
  }
}

/**
 * A session carries its first use from the moment it is opened. So of several that are opened at about the same time,
 * here or at other instances, each is compared with those from before it, and the first one is the news.
 */
function olderThan({ handle, atMs }: Note, sessions: readonly ListedSession[]): ListedSession[] {
  const createdAt = sessions.find((session) => session.handle === handle)?.createdAt ?? atMs
  return sessions.filter(
    (other) => other.createdAt < createdAt || (other.createdAt === createdAt && other.handle < handle),
  )
}
