/** A browser behind a gateway that hands out its next tokens: many requests at once, and one token for all of them. */
import type { Test } from 'tap'
import { headerOf } from '../support/exchange.js'
import type { World } from './world.js'

const AT_ONCE = 50
const ROTATIONS = 3
const PATIENCE_MS = 20_000

export async function oneBrowser(t: Test, { service, ask }: World): Promise<void> {
  await t.test('its next token reaches it, whole; the one before stays good until then', async (t) => {
    const { token, handle, uid } = await service.signIn()
    const answer = await ask({ path: '/app/', headers: [`access-token: ${token}`] })
    t.match(answer.status, / 200 /)
    const next = headerOf(answer, 'access-token') ?? ''
    t.match(next, /^cst_/, "the service's, not the application's")
    t.not(next, token)
    t.equal(headerOf(answer, 'client'), handle)
    t.equal(headerOf(answer, 'uid'), uid)
    t.equal(headerOf(answer, 'token-type'), 'Bearer')
    t.match(headerOf(answer, 'expiry'), /^\d{10}$/)
    for (const one of [token, next, token])
      t.match((await ask({ path: '/api/', headers: [`access-token: ${one}`] })).status, / 200 /)
  })

  await t.test(`${AT_ONCE} requests at once, again and again, never lock it out`, async (t) => {
    let { token } = await service.signIn()
    let rotations = 0
    const deadline = Date.now() + PATIENCE_MS
    for (let round = 1; rotations < ROTATIONS; round++) {
      const statuses = await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, i) => {
          const path = i % 3 === 0 ? '/api/' : '/app/'
          const answer = await ask({ path, headers: [`access-token: ${token}`] })
          const next = headerOf(answer, 'access-token')
          if (next !== undefined && next !== token) {
            token = next
            rotations++
          }
          return answer.status
        }),
      )
      const others = statuses.filter((status) => !status.includes(' 200 '))
      if (!t.strictSame(others, [], `round ${round}`)) return
      if (Date.now() > deadline) return t.fail(`only ${rotations} rotations`)
    }
  })
}
