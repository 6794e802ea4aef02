/** What gathers and shows where sessions are used, on a Redis of its own, with a small location database. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { AuditEvent } from '../../src/event.js'
import { openGeo } from '../../src/geo.js'
import type { Location } from '../../src/location.js'
import type { Session } from '../../src/session.js'
import { type Activity, type ActivityOptions, createActivity } from '../../src/sessions/activity.js'
import type { News } from '../../src/sessions/news.js'
import { createAccountStore } from '../../src/store/accounts.js'
import { connectRedis, type RedisClient } from '../../src/store/connect.js'
import { placeOf } from '../../src/store/keys.js'
import { createSessionStore, type SessionStore } from '../../src/store/sessions.js'
import { createSharedFacts, type SharedFacts } from '../../src/store/shared-facts.js'
import { writeMmdb } from './mmdb-writer.js'
import { startRedis, type TestRedis } from './redis.js'

/** Addresses by country; all that is known of a country is its two letters and, in Britain, a city. */
export const networks = {
  GB: ['81.2.0.0/16', '2a02:6b60::/32'],
  SE: ['89.160.0.0/16', '2a02:cf40::/29'],
  JP: ['2001:218::/32'],
} as const

export const boxford = {
  continent: { code: 'EU', names: { en: 'Europe' } },
  country: { iso_code: 'GB', names: { en: 'United Kingdom' } },
  subdivisions: [{ iso_code: 'WBK', names: { en: 'West Berkshire' } }],
  city: { names: { en: 'Boxford' } },
  postal: { code: 'OX1' },
  location: { latitude: 51.75, longitude: -1.25, time_zone: 'Europe/London' },
}

/** @returns a folder with a database in it, for `COUNTERSIGN_GEO_DB` */
export async function geoFolder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'cs-geo-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const entries = Object.entries(networks).flatMap(([iso_code, cidrs]) =>
    cidrs.map((cidr) => [cidr, iso_code === 'GB' ? boxford : { country: { iso_code } }] as const),
  )
  await writeFile(
    join(dir, 'city.mmdb'),
    writeMmdb({ databaseType: 'GeoLite2-City', ipVersion: 6, networks: entries }),
  )
  return dir
}

export interface ActivityWorld {
  redis: TestRedis
  client: RedisClient
  store: SessionStore
  facts: SharedFacts
  locate(ip: string): Location | undefined
  events: AuditEvent[]
  /** What was told, beside the events. */
  news: News[]
  faults: unknown[]
  /** One instance's; it flushes when told to. */
  activity: Activity
  another(options?: Partial<ActivityOptions>): Activity
  /** Opens a session of an account, created at need; its first use is not noted. */
  open(uid: string, ip?: string, userAgent?: string): Promise<Session>
}

const quiet = { info() {}, warn() {} }
const life = { idleMs: 3_600_000, absoluteMs: 7_200_000, maxSessions: 20_000 }

export async function startActivity(t: Test, options: Partial<ActivityOptions> = {}): Promise<ActivityWorld> {
  const redis = await startRedis(t)
  const { client, close } = await connectRedis(redis.url, { log: quiet })
  const geo = await openGeo({ paths: [await geoFolder(t)], log: quiet })
  t.teardown(async () => {
    geo.close()
    await close()
  })
  const rotation = {
    rotateAfterMs: 5000,
    leewayMs: 1e4,
    reissueAfterMs: 6e4,
    reissues: 8,
    onReplay: 'revoke',
  } as const
  const store = createSessionStore({ redis: client, rotation })
  const accounts = createAccountStore({ redis: client })
  const facts = createSharedFacts({ redis: client })
  const events: AuditEvent[] = []
  const news: News[] = []
  const faults: unknown[] = []
  let opened = 0

  const another = (more: Partial<ActivityOptions> = {}): Activity => {
    const activity = createActivity({
      store,
      facts,
      locate: geo.locate,
      audit: (event) => events.push(event),
      tell: (one) => news.push(one),
      onFault: (fault) => faults.push(fault),
      flushMs: 86_400_000,
      ...more,
    })
    t.teardown(() => activity.close())
    return activity
  }

  return {
    redis,
    client,
    store,
    facts,
    locate: geo.locate,
    events,
    news,
    faults,
    activity: another(options),
    another,
    async open(uid, ip = '', userAgent = '') {
      const draft = { uid, provider: 'email', email: undefined, attributes: {}, roles: [] }
      if ((await accounts.find(uid)) === undefined) await accounts.create(draft, undefined)
      const handle = Buffer.alloc(16)
      handle.writeUInt32BE(++opened)
      const { tag } = placeOf(uid)
      const result = await store.open({
        tag,
        handle: handle.toString('base64url'),
        uid,
        kind: 'fixed',
        scopes: [],
        use: { ip, userAgent },
        life,
      })
      if (result.verdict !== 'opened') throw new Error(result.verdict)
      return result.session
    },
  }
}
