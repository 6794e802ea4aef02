/** How a client lives with tokens that are replaced as they are used: for clients whose tabs share what they hold. */
import { EventEmitter, once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { impatienceMs, insist, leewayMs, ok, password, refused, rotateAfterMs, type World } from './world.js'

export function rotation({ scenario, signedIn }: World): void {
  scenario('loads from several tabs at once', async (t) => {
    const { page, open, things } = await signedIn(t)
    const tabs = [page, (await open()).page, (await open()).page, (await open()).page]
    const tokens = new Set<string>()
    for (let round = 0; round < 3; round++) {
      const loads = tabs.flatMap((tab) => [1, 2, 3].map(() => tab.load(things)))
      for (const outcome of await Promise.all(loads)) t.match(outcome, ok)
      tokens.add(page.held()?.['access-token'] ?? '')
      await wait(rotateAfterMs)
    }
    t.equal(tokens.size, 3, 'and the token was replaced each time')
  })

  scenario('signs out: no other tab goes on', async (t) => {
    const { page, open, things } = await signedIn(t)
    const { page: other } = await open()
    t.match(await other.load(things), ok)
    t.match(await page.signOut(), ok)
    t.match(await other.load(things), refused)
  })

  scenario('changes the password: no other tab notices', async (t) => {
    const { page, open, things } = await signedIn(t)
    const { page: other } = await open()
    t.match(await page.changePassword(password, 'another good password'), ok)
    t.match(await other.load(things), ok)
    t.match(await page.load(things), ok)
  })

  scenario('polls faster than the gap: the token is replaced and its expiry slides', async (t) => {
    const { page } = await signedIn(t, 'impatient')
    const first = page.held()
    const tokens = new Set<string>()
    const slid = () => Number(page.held()?.expiry) >= Number(first?.expiry) + 3
    const deadline = Date.now() + 20_000
    while (!(slid() && tokens.size > 3) && Date.now() < deadline) {
      t.match(await page.validate(), ok)
      tokens.add(page.held()?.['access-token'] ?? '')
      await wait(100)
    }
    t.ok(tokens.size > 3, `${tokens.size} tokens`)
    t.ok(slid(), 'by three seconds in little more time')
  })

  scenario(
    'idles past the gap: the old token is dead, and ends the session when it comes back',
    async (t) => {
      const { page, things, present } = await signedIn(t)
      t.match(await page.load(things), ok)
      const old = page.held()
      await wait(rotateAfterMs)
      t.match(await page.load(things), ok)
      t.not(page.held()?.['access-token'], old?.['access-token'])
      t.equal(page.held()?.client, old?.client)
      t.match(await page.load(things), ok, 'the new one is good')
      await wait(leewayMs + 50)
      t.equal(await present(old), 401)
      t.match(await page.load(things), refused, 'somebody has a copy: nobody goes on')
    },
  )

  scenario('loses every answer that carries a new token, again and again', async (t) => {
    const { page, things, network } = await signedIn(t, 'impatient')
    for (const losses of [1, 5]) {
      let left = losses
      const before = page.held()?.['access-token']
      network.weather = {
        delivers: (_, { headers }) =>
          headers['access-token'] === undefined || headers['access-token'] === before || left-- <= 0,
      }
      while (page.held()?.['access-token'] === before) {
        t.match(await insist(() => page.load(things)), ok)
        await wait(impatienceMs / 5)
      }
      t.ok(left < 0, `${losses} lost`)
      network.weather = {}
      t.match(await page.load(things), ok)
      await wait(rotateAfterMs)
    }
  })
}

/** For clients that compare what an answer carries with what they hold, by its expiry. */
export function lateAnswer({ scenario, signedIn }: World): void {
  const run = async (t: Test): Promise<void> => {
    const { page, things, network } = await signedIn(t, 'slow')
    t.match(await page.load(things), ok)
    const old = page.held()?.['access-token']
    const net = new EventEmitter()
    const released = once(net, 'release')
    network.weather = {
      async delivers({ path }) {
        if (path.endsWith('/validate_token')) {
          net.emit('held')
          await released
        }
        return true
      },
    }
    const held = once(net, 'held')
    const late = page.validate()
    await held
    t.match(await page.load(`${network.url}/auth/validate_token?unbatch=true`), ok)
    t.not(page.held()?.['access-token'], old, 'replaced')
    t.match(await page.load(things), ok, 'and used')
    net.emit('release')
    t.match(await late, ok)
    t.not(page.held()?.['access-token'], old)
    await wait(leewayMs)
    t.match(await page.load(things), ok)
  }
  scenario('is not set back by an answer that comes when the token has been replaced', run)
}
