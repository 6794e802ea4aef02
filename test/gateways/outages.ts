/** A service that does not answer: behind a gateway that means "not now", quickly, and never "yes". */
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { type Answer, headerOf } from '../support/exchange.js'
import { bearer, type World } from './world.js'

/** What a busy machine takes; a second try a second later would take longer. */
const AT_ONCE_MS = 1_500
/** One second that the gateways wait for an answer, and the same. */
const WITHIN_MS = 1_000 + AT_ONCE_MS
const PATIENCE_MS = 10_000

export async function outages(t: Test, { service, users, wire, application, ask }: World): Promise<void> {
  const request = { path: '/app/', headers: [bearer(users.fixed)] }

  async function expectNo(t: Test, status: number, withinMs: number): Promise<Answer> {
    const reached = application.count()
    const begun = Date.now()
    const answer = await ask(request)
    t.ok(Date.now() - begun < withinMs, `within ${withinMs} ms`)
    t.equal(application.count(), reached, 'did not reach the application')
    t.match(answer.status, ` ${status} `)
    t.match(headerOf(answer, 'retry-after'), /^\d+$/)
    for (const name of ['access-token', 'x-auth-subject', 'x-app'])
      t.equal(headerOf(answer, name), undefined, name)
    return answer
  }

  async function untilAnswers(status: number): Promise<boolean> {
    const deadline = Date.now() + PATIENCE_MS
    while (Date.now() < deadline) {
      if ((await ask(request)).status.includes(` ${status} `)) return true
      await delay(50)
    }
    return false
  }

  await t.test('down', async (t) => {
    await wire.down()
    for (let i = 0; i < 3; i++) await expectNo(t, 503, AT_ONCE_MS)
    await wire.mend()
    t.ok(await untilAnswers(200), 'recovers')
  })

  await t.test('frozen', async (t) => {
    wire.freeze()
    for (let i = 0; i < 2; i++) await expectNo(t, 503, WITHIN_MS)
    await wire.mend()
    t.ok(await untilAnswers(200), 'recovers')
  })

  await t.test('overloaded', async (t) => {
    wire.overload()
    const answer = await expectNo(t, 429, AT_ONCE_MS)
    t.equal(headerOf(answer, 'retry-after'), '7', "the service's own word")
    await wire.mend()
    t.ok(await untilAnswers(200), 'recovers')
  })

  await t.test('without its Redis', async (t) => {
    service.redis.freeze()
    t.ok(await untilAnswers(503), 'once it may no longer vouch from memory')
    await expectNo(t, 503, AT_ONCE_MS)
    const forged = await ask({ path: '/app/', headers: [bearer('nonsense')] })
    t.match(forged.status, / 401 /, 'what cannot be good is refused all the same')
    service.redis.thaw()
    t.ok(await untilAnswers(200), 'recovers')
  })
}
