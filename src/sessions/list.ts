/** An account's sessions as their owner sees them: with where and on what each was last used, up to this moment. */
import { canonicalAddress } from '../location.js'
import type { ListedSession, SessionView } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { SessionStore } from '../store/sessions.js'
import type { SharedFacts } from '../store/shared-facts.js'
import type { Countersigner } from '../token/countersign.js'
import type { Jwts } from '../token/jwt.js'
import type { Activity } from './activity.js'
import { createDeviceReader } from './devices.js'
import type { Note } from './note.js'

export interface Lister {
  /** Most recently used first; expired JWTs too, as long as they linger. */
  list(uid: string): Promise<SessionView[]>
  find(uid: string, handle: string): Promise<SessionView | undefined>
  /**
   * The handle that `id` means, whether it is one, a countersigned token or a JWT; undefined when it is none of them.
   *
   * @throws StoreUnavailable when the keys of JWTs could not be looked at
   */
  handleOf(id: string): Promise<string | undefined>
}

export interface ListerParts {
  countersigner: Pick<Countersigner, 'verify'>
  jwts: Pick<Jwts, 'verify'>
  store: Pick<SessionStore, 'list'>
  facts: Pick<SharedFacts, 'readUserAgents' | 'readLocations'>
  activity: Pick<Activity, 'pending'>
}

const HANDLE = /^[\w-]{22}$/

/** Makes the reader of an account's sessions. */
export function createLister({ countersigner, jwts, store, facts, activity }: ListerParts): Lister {
  const deviceOf = createDeviceReader()

  /** Two round trips, however many sessions: the records, then what they share. */
  async function view(listed: readonly ListedSession[]): Promise<SessionView[]> {
    const used = listed.map((one) => ({ one, use: latestUse(one, activity.pending(one.session.handle)) }))
    const [userAgents, locations] = await Promise.all([
      facts.readUserAgents(known(used.map(({ use }) => use.userAgentHash))),
      facts.readLocations(known(used.map(({ use }) => use.ip))),
    ])
    return used
      .map(({ one: { session, description, notifications }, use }) => {
        const { lastSeenAt, ip } = use
        const userAgent = use.userAgent ?? userAgents.get(use.userAgentHash ?? '') ?? ''
        const location = locations.get(ip ?? '')?.location
        const device = deviceOf(userAgent)
        return { session, lastSeenAt, description, ip, userAgent, device, location, notifications }
      })
      .sort((one, other) => other.lastSeenAt - one.lastSeenAt)
  }

  async function find(uid: string, handle: string): Promise<SessionView | undefined> {
    const [found] = await view(
      (await store.list(placeOf(uid))).filter(({ session }) => session.handle === handle),
    )
    return found
  }

  return {
    list: async (uid) => view(await store.list(placeOf(uid))),
    find,
    async handleOf(id) {
      if (HANDLE.test(id)) return id
      const claim = id.includes('.') ? await jwts.verify(id) : countersigner.verify(id)
      return typeof claim === 'string' ? undefined : claim.handle
    },
  }
}

interface LatestUse {
  lastSeenAt: number
  ip: string | undefined
  /** Known at once where the use is not written yet; else by its hash. */
  userAgent: string | undefined
  userAgentHash: string | undefined
}

/** What this instance noted a moment ago is newer than what Redis has; another one may have seen a newer use. */
function latestUse(
  { lastSeenAt, lastUse }: Pick<ListedSession, 'lastSeenAt' | 'lastUse'>,
  note: Note | undefined,
): LatestUse {
  if (note === undefined || note.atMs < lastUse.seenAt)
    return { ip: lastUse.ip, userAgentHash: lastUse.userAgentHash, lastSeenAt, userAgent: undefined }
  const { ip, userAgent } = note
  return {
    lastSeenAt: Math.max(lastSeenAt, note.atMs),
    ip: canonicalAddress(ip)?.ip,
    userAgent,
    userAgentHash: undefined,
  }
}

const known = (values: readonly (string | undefined)[]): Set<string> =>
  new Set(values.filter((value) => value !== undefined))
