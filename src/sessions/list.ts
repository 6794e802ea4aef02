/** An account's sessions as their owner sees them: with where and on what each was last used, up to this moment. */
import { canonicalAddress } from '../location.js'
import type { ListedSession, SessionView, Use } from '../session.js'
import { placeOf } from '../store/keys.js'
import type { SessionStore } from '../store/sessions.js'
import { cutUserAgent, type SharedFacts } from '../store/shared-facts.js'
import type { Countersigner } from '../token/countersign.js'
import type { Jwts } from '../token/jwt.js'
import type { Activity } from './activity.js'
import { createDeviceReader } from './devices.js'
import type { Note } from './note.js'

export interface Lister {
  /** Most recently used first; expired JWTs too, as long as they linger. */
  list(uid: string): Promise<SessionView[]>
  find(uid: string, handle: string): Promise<SessionView | undefined>
  /** One that was opened just now, from `use`. The other sessions of its account, which may be many, are not looked at. */
  show(opened: Pick<ListedSession, 'session' | 'description'>, use: Use): Promise<SessionView>
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

  /** @returns what views sessions that were used so; one round trip, however many */
  async function viewer(uses: readonly LatestUse[]) {
    const [userAgents, locations] = await Promise.all([
      facts.readUserAgents(known(uses.map(({ userAgentHash }) => userAgentHash))),
      facts.readLocations(known(uses.map(({ ip }) => ip))),
    ])
    return ({ session, description, notifications }: Viewed, use: LatestUse): SessionView => {
      const { lastSeenAt, ip } = use
      const userAgent = use.userAgent ?? userAgents.get(use.userAgentHash ?? '') ?? ''
      const location = locations.get(ip ?? '')?.location
      const device = deviceOf(userAgent)
      return { session, lastSeenAt, description, ip, userAgent, device, location, notifications }
    }
  }

  async function view(listed: readonly ListedSession[]): Promise<SessionView[]> {
    const used = listed.map((one) => ({ one, use: latestUse(one, activity.pending(one.session.handle)) }))
    const viewOf = await viewer(used.map(({ use }) => use))
    return used
      .map(({ one, use }) => viewOf(one, use))
      .sort((one, other) => other.lastSeenAt - one.lastSeenAt)
  }

  async function find(uid: string, handle: string): Promise<SessionView | undefined> {
    if (!HANDLE.test(handle)) return undefined
    const [found] = await view(await store.list(placeOf(uid), handle))
    return found
  }

  return {
    list: async (uid) => view(await store.list(placeOf(uid))),
    find,
    async show(opened, { ip, userAgent }) {
      const use = {
        lastSeenAt: opened.session.createdAt,
        ip: canonicalAddress(ip)?.ip,
        userAgent: cutUserAgent(userAgent),
        userAgentHash: undefined,
      }
      const viewOf = await viewer([use])
      return viewOf({ ...opened, notifications: false }, use)
    },
    async handleOf(id) {
      if (HANDLE.test(id)) return id
      const claim = id.includes('.') ? await jwts.verify(id) : countersigner.verify(id)
      return typeof claim === 'string' ? undefined : claim.handle
    },
  }
}

type Viewed = Pick<ListedSession, 'session' | 'description' | 'notifications'>

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
