/** The stage for one client library: the service, users with their browsers, and the network between. */
import type { Test } from 'tap'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { type Browser, openBrowser, type Tab } from '../support/browser.js'
import { type Network, startNetwork } from '../support/faulty-network.js'
import { startProtectedResource } from '../support/protected-resource.js'
import { startRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import type { Credentials, Outcome, Page } from './page.js'

export const password = 'correct horse battery'

/** G and Z: in the proportions of the defaults, short, but long beside what a request takes on a busy machine. */
export const rotateAfterMs = 1_000
export const leewayMs = 2_000
/** Y where clients lose answers one at a time. */
export const impatienceMs = 150

const origin = 'http://app.example'
const environment = {
  COUNTERSIGN_CORS_ORIGINS: origin,
  COUNTERSIGN_SIGN_UP: 'open',
  COUNTERSIGN_ROTATE_AFTER: `${rotateAfterMs}ms`,
  COUNTERSIGN_LEEWAY: `${leewayMs}ms`,
  COUNTERSIGN_REISSUE_AFTER: '5s',
}
/** Services that differ in what makes one scenario quick, or independent of the speed of the machine. */
const services = {
  usual: {},
  /** And with a life so short that expiry slides visibly. */
  impatient: { COUNTERSIGN_REISSUE_AFTER: `${impatienceMs}ms`, COUNTERSIGN_IDLE_LIFE: '10 minutes' },
  slow: { COUNTERSIGN_ROTATE_AFTER: '10s' },
}
type ServiceName = keyof typeof services
const users = 24

/** One user, not yet signed in. */
export interface User {
  email: string
  network: Network
  /** Where the protected resource is. */
  things: string
  browser: Browser
  /** Opens a tab, of the user's browser or of another device, and waits until it knows whether it is signed in. */
  open(on?: Browser, settings?: object): Promise<Tab<Page>>
  anotherDevice(): Browser
  /** Asks the service directly with `held`, as a thief with a copy would; resolves to the status. */
  present(held: Credentials | undefined): Promise<number>
}

export interface World {
  seed: number
  /** Registers a scenario; several of them run at the same time. One with a `todo` is known to fail and not run. */
  scenario(name: string, run: (t: Test) => Promise<void>, options?: { todo?: string }): void
  newUser(t: Test, at?: ServiceName): Promise<User>
  signedIn(t: Test, at?: ServiceName): Promise<User & Tab<Page>>
}

export interface ClientOptions {
  /** The page of the client, in `pages/`. */
  script: string
  /** Whether requests for the protected resource may replace the token. */
  resource?: 'rotating' | 'verifying'
}

export async function createWorld(t: Test, { script, resource = 'rotating' }: ClientOptions): Promise<World> {
  const redis = await startRedis(t)
  const keys = generateMasterKeys()
  async function start(name: ServiceName): Promise<TestService> {
    const env = { ...environment, ...services[name], COUNTERSIGN_KEYS: keys }
    const service = await startService(t, { redis, env })
    // The browsers keep this process busy for longer than Redis may normally be silent.
    Object.assign(service.connection.options, { socketTimeout: 10_000 })
    return service
  }
  const started = {
    usual: await start('usual'),
    impatient: await start('impatient'),
    slow: await start('slow'),
  }
  const emails = Array.from({ length: users }, (_, i) => `user${i}@example.com`)
  for (const email of emails)
    await started.usual.addAccount({ uid: email, provider: 'email', email, password })

  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 32)
  t.comment(`SEED=${seed}`)
  t.jobs = 6

  async function newUser(t: Test, at: ServiceName = 'usual'): Promise<User> {
    const { url } = started[at]
    const network = await startNetwork(t, {
      '/auth': url,
      '/': await startProtectedResource(t, url, resource),
    })
    const browser = openBrowser(t, origin)
    const email = emails.pop()
    if (email === undefined) throw new Error(`only ${users} users`)
    return {
      email,
      network,
      things: `${network.url}/things`,
      browser,
      async open(on = browser, settings = {}) {
        const tab = on.open<Page>(script, { apiUrl: network.url, ...settings })
        await tab.page.resume()
        return tab
      },
      anotherDevice: () => openBrowser(t, origin),
      async present(held) {
        const { 'access-token': token = '', client = '', uid = '' } = held ?? {}
        const headers = { 'access-token': token, client, uid }
        return (await fetch(`${url}/auth/validate_token`, { headers })).status
      },
    }
  }

  return {
    seed,
    newUser,
    async signedIn(t, at) {
      const user = await newUser(t, at)
      const tab = await user.open()
      t.match(await tab.page.signIn(user.email, password), ok, 'signed in')
      return { ...user, ...tab }
    },
    scenario: (name, run, options = {}) =>
      void t.test(name, { ...options, buffered: true, timeout: 60_000 }, run),
  }
}

export const ok = { outcome: 'ok' } as const
export const refused = { outcome: 'refused' } as const

/** As an application does that has got no answer: again, with what the client holds by now. */
export async function insist(action: () => Promise<Outcome>): Promise<Outcome> {
  for (let tries = 0; tries < 100; tries++) {
    const outcome = await action()
    if (outcome.outcome !== 'lost') return outcome
  }
  throw new Error('no answer at all')
}
