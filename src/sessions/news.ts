/** Tells which uses are news: from a country where, or on a device on which, no other session of their account was used last. */
import { LRUCache } from 'lru-cache'
import type { Device, ListedSession } from '../session.js'
import { placeOf } from '../store/keys.js'
import { userAgentHash } from '../store/packed-use.js'
import type { SessionStore } from '../store/sessions.js'
import type { SharedFacts } from '../store/shared-facts.js'
import { createDeviceReader } from './devices.js'
import type { Note } from './note.js'

export interface News extends Note {
  /** ISO 3166-1 alpha-2; undefined where no database knows the address. */
  country: string | undefined
  device: Device
  /** What is new about it, at least one of them. */
  events: readonly ('session.new_location' | 'session.new_device')[]
}

export interface NewsWatch {
  /**
   * Compares notes with what is stored of *all* sessions of their accounts: call it before they are written. An account
   * that was never seen anywhere, or has no other session, has no news: its first sign-in is none.
   *
   * @throws StoreUnavailable
   */
  find(notes: readonly Note[]): Promise<News[]>
  /** Call it when they have been written: only an opened session or a change of address costs a look at the account. */
  remember(notes: readonly Note[]): void
}

interface Parts {
  store: Pick<SessionStore, 'list'>
  facts: Pick<SharedFacts, 'readUserAgents'>
  countryOf(ip: string): string | undefined
}

/** Sessions whose last address is remembered. */
const REMEMBERED = 100_000

/** Watches over the places and devices of all accounts of one store. */
export function createNewsWatch({ store, facts, countryOf }: Parts): NewsWatch {
  const lastIps = new LRUCache<string, string>({ max: REMEMBERED })
  const deviceOf = createDeviceReader()

  const mayBeNews = ({ opened, handle, ip }: Note) =>
    opened !== undefined || (lastIps.get(handle) !== ip && countryOf(ip) !== undefined)

  function isNewPlace(country: string | undefined, before: readonly ListedSession[]): boolean {
    const countries = before.map(({ lastUse }) => lastUse.ip && countryOf(lastUse.ip)).filter(Boolean)
    return country !== undefined && countries.length > 0 && !countries.includes(country)
  }

  /** A session that moves from device to device (an app and its web views, say) is no news: only opening one is. */
  async function isNewDevice(
    { opened, userAgent }: Note,
    before: readonly ListedSession[],
  ): Promise<boolean> {
    if (opened === undefined || before.length === 0) return false
    const name = nameOf(deviceOf(userAgent))
    // What a service sends when it opens a session for somebody is its own user agent, unless it passes theirs on.
    if (opened === 'opened-for-another' && name === unknownName) return false
    const hashes = before.map(({ lastUse }) => lastUse.userAgentHash)
    if (hashes.includes(userAgent === '' ? undefined : userAgentHash(userAgent))) return false
    const userAgents = await facts.readUserAgents(hashes.filter((hash) => hash !== undefined))
    return hashes.every((hash) => nameOf(deviceOf(userAgents.get(hash ?? '') ?? '')) !== name)
  }

  return {
    async find(notes) {
      const byAccount = new Map<string, Note[]>()
      for (const note of notes.filter(mayBeNews))
        byAccount.set(note.uid, [...(byAccount.get(note.uid) ?? []), note])
      const news: News[] = []
      for (const [uid, group] of byAccount) {
        const sessions = await store.list(placeOf(uid))
        const told = new Set<string>()
        for (const note of group) {
          const before = note.opened ? olderThan(note, sessions) : sessions
          const country = countryOf(note.ip)
          const events: News['events'][number][] = []
          if (country !== undefined && !told.has(country) && isNewPlace(country, before)) {
            told.add(country)
            events.push('session.new_location')
          }
          if (await isNewDevice(note, before)) events.push('session.new_device')
          if (events.length > 0) news.push({ ...note, country, device: deviceOf(note.userAgent), events })
        }
      }
      return news
    },

    remember(notes) {
      for (const { handle, ip } of notes) lastIps.set(handle, ip)
    },
  }
}

const nameOf = ({ type, os, browser }: Device) => JSON.stringify([type, os, browser])
const unknownName = nameOf({ type: undefined, os: undefined, browser: undefined })

/**
 * A session carries its first use from the moment it is opened. So of several that are opened at about the same time,
 * here or at other instances, each is compared with those from before it, and the first one is the news.
 */
function olderThan({ handle, atMs }: Note, sessions: readonly ListedSession[]): ListedSession[] {
  const createdAt = sessions.find(({ session }) => session.handle === handle)?.session.createdAt ?? atMs
  return sessions.filter(
    ({ session: other }) =>
      other.createdAt < createdAt || (other.createdAt === createdAt && other.handle < handle),
  )
}
