/** Several busy tabs in bad weather. Whatever was lost, late or repeated: afterwards every tab gets through. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Network, Weather } from '../support/faulty-network.js'
import type { Page } from './page.js'
import { seededRandom } from './random.js'
import { insist, leewayMs, ok, rotateAfterMs, type World } from './world.js'

const tabsOpen = 3
const requestsAtOnce = 2
const atLeast = { ms: 3_500, requests: 100 }

type Weathers = Record<string, (random: () => number) => Weather>

const inOrder: Weathers = {
  'answers get lost': (random) => ({ delivers: () => random() > 0.3 }),
  'requests are repeated': (random) => ({ arrivals: () => (random() < 0.3 ? 2 : 1) }),
}
const outOfOrder: Weathers = {
  'requests and answers come late and out of order': (random) => ({
    arrivals: () => wait(random() * 150, 1),
    delivers: () => wait(random() * 150, true),
  }),
  'all of it happens at once': (random) => ({
    arrivals: () => wait(random() * 100, random() < 0.1 ? 2 : 1),
    delivers: () => wait(random() * 100, random() > 0.2),
  }),
}

/** @param client whether it can tell a newer answer from an older one; if not, it is spared what comes out of order */
export function storms(
  { seed, scenario, signedIn }: World,
  client: { tellsOrder: boolean } = { tellsOrder: true },
): void {
  const weathers = client.tellsOrder ? { ...inOrder, ...outOfOrder } : inOrder
  for (const [i, [what, weather]] of Object.entries(weathers).entries())
    scenario(`is never locked out when ${what}`, async (t) => {
      const { page, open, things, network } = await signedIn(t)
      const random = seededRandom(seed + i)
      const tabs = [page]
      while (tabs.length < tabsOpen) tabs.push((await open()).page)

      network.weather = weather(random)
      const [start, calm] = [Date.now(), network.passed.length]
      const lasts = () => Date.now() < start + atLeast.ms || network.passed.length < calm + atLeast.requests
      let lockedOut = false
      const busy = async (tab: Page): Promise<void> => {
        while (lasts() && !lockedOut) {
          const { outcome } = await insist(random() < 0.3 ? tab.validate : () => tab.load(things))
          lockedOut ||= outcome !== 'ok'
          await wait(random() * 100)
        }
      }
      await Promise.all(tabs.flatMap((tab) => Array.from({ length: requestsAtOnce }, () => busy(tab))))
      network.weather = {}
      t.notOk(lockedOut, 'during the storm')
      for (const tab of tabs) t.match(await tab.load(things), ok, 'after it')
      await wait(leewayMs + rotateAfterMs)
      for (const tab of tabs) t.match(await tab.load(things), ok, 'when all leeway is over')
      if (!t.passing()) for (const line of describe(network)) t.comment(line)
    })
}

/** What passed last, tokens as generation and branch: enough to see who was set back, and why. */
function describe({ passed }: Network): string[] {
  return passed.slice(-80).map(({ sent, answered, delivered }) => {
    const [presented, handedOut] = [sent, answered].map(({ headers }) => age(headers['access-token']))
    return `${sent.method} ${presented} → ${answered.status} ${handedOut}${delivered ? '' : ' (lost)'}`
  })
}

function age(token: string | string[] | undefined): string {
  if (typeof token !== 'string') return '-'
  const bytes = Buffer.from(token.slice('cst_'.length), 'base64url')
  return bytes.length === 41 ? `${bytes.readUIntBE(19, 5)}.${bytes[24]}` : token
}
