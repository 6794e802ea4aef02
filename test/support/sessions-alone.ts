/** What `sessions/` is made of, on a Redis and a clock of its own, without HTTP and without a memory of what was accepted. */
import type { Test } from 'tap'
import type { Account } from '../../src/account.js'
import type { AuditEvent } from '../../src/event.js'
import type { Kind, Session, Use } from '../../src/session.js'
import { createAuthenticator } from '../../src/sessions/authenticate.js'
import { createEnder } from '../../src/sessions/end.js'
import { createOpener, type NewSession, type OpenedSession } from '../../src/sessions/open.js'
import { createPolicy } from '../../src/sessions/policy.js'
import { createAccountStore } from '../../src/store/accounts.js'
import { connectRedis } from '../../src/store/connect.js'
import { createKeyRecords } from '../../src/store/key-records.js'
import { createSessionStore } from '../../src/store/sessions.js'
import { createCountersigner } from '../../src/token/countersign.js'
import { createJwts } from '../../src/token/jwt.js'
import { createKeyRing } from '../../src/token/keyring.js'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'
import { startRedis } from './redis.js'

const DAY_MS = 86_400_000
export const use: Use = { ip: '192.0.2.7', userAgent: 'Firefox' }
export const actor = { ...use, uid: 'operator' }

export async function startSessions(t: Test) {
  const redis = await startRedis(t)
  const { client, close } = await connectRedis(redis.url, { log: { info() {}, warn() {} } })
  t.teardown(close)
  const master = parseMasterKeys(generateMasterKeys())
  const keys = createKeyRing({
    records: createKeyRecords({ redis: client }),
    master,
    alg: 'EdDSA',
    secret: undefined,
    periodMs: 30 * DAY_MS,
    lifeMs: 30 * DAY_MS,
    jwksMaxAgeMs: 1000,
  })
  await keys.start()
  t.teardown(() => keys.stop())

  const events: AuditEvent[] = []
  const noted: Session[] = []
  const rotation = {
    rotateAfterMs: 0,
    leewayMs: 0,
    reissueAfterMs: 1000,
    reissues: 3,
    onReplay: 'revoke',
  } as const
  const life = { idleMs: DAY_MS, absoluteMs: 2 * DAY_MS, maxSessions: 2 }
  const countersigner = createCountersigner(master)
  const jwts = createJwts({ keys, issuer: 'https://tokens.example' })
  const accounts = createAccountStore({ redis: client })
  const parts = {
    countersigner,
    jwts,
    store: createSessionStore({ redis: client, rotation }),
    policy: createPolicy({ life, longestJwtMs: 30 * DAY_MS }),
    audit: (event: AuditEvent) => void events.push(event),
    activity: { note: (session: Session) => void noted.push(session) },
    recall: { find: () => undefined, begin: () => ({}) as never, keep: () => undefined },
  }

  async function addAccount(uid: string): Promise<Account> {
    const wanted = { uid, provider: 'local', email: undefined, attributes: {}, roles: [] }
    const created = await accounts.create(wanted, undefined)
    if (!created.ok) throw new Error(`${uid} is taken`)
    return created.account
  }
  const { open } = createOpener(parts)

  return {
    ...parts,
    redis,
    events,
    noted,
    accounts,
    addAccount,
    open,
    ...createEnder(parts),
    /** Knows one password, `right`, of every account. */
    ...createAuthenticator({
      ...parts,
      passwords: {
        async authenticate(login, password) {
          const stored = await accounts.findByLogin(login)
          if (stored === undefined || password !== 'right') return { ok: false, code: 'wrong-password' }
          return { ok: true, account: stored.account, passwordMark: '' }
        },
      },
    }),
    /** Opens a session that must open. */
    async mustOpen(account: Account, kind: Kind, more: Partial<NewSession> = {}): Promise<OpenedSession> {
      const opened = await open({ account, kind, warrant: undefined, actor, ...more })
      if (!opened.ok) throw new Error(`not opened: ${opened.code}`)
      return opened
    },
  }
}
