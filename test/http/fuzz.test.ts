/** Tokens from nowhere, in great numbers: none is accepted, none makes anything throw, none reaches Redis. */
import fc from 'fast-check'
import t from 'tap'
import { createAuthenticator } from '../../src/sessions/authenticate.js'
import { createCountersigner } from '../../src/token/countersign.js'
import { format, sources } from '../support/bad-requests.js'
import { sendRaw } from '../support/exchange.js'
import { commandsDuring, readEverything } from '../support/redis-state.js'
import { prepare } from '../support/refusals.js'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const RUNS = 100_000
const HTTP_RUNS = 3_000

/** What somebody might try: noise, noise in the right form, and good tokens cut, altered and pasted together. */
function hostileTokens(good: readonly string[]): fc.Arbitrary<string> {
  const character = fc.constantFrom(...alphabet)
  const anyGood = fc.constantFrom(...good)
  const body = fc.string({ unit: character, minLength: 54, maxLength: 54 })
  const last = fc.constantFrom(...'AEIMQUYcgkosw048')
  const edit = fc.tuple(fc.nat(58), fc.nat(2), character)
  return fc
    .oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.string({ unit: 'binary', maxLength: 80 }).map((text) => `cst_${text}`),
      fc.tuple(body, last).map(([text, end]) => `cst_${text}${end}`),
      fc
        .tuple(anyGood, fc.array(edit, { minLength: 1, maxLength: 4 }))
        .map(([token, edits]) =>
          edits.reduce((text, [at, cut, with_]) => text.slice(0, at) + with_ + text.slice(at + cut), token),
        ),
      fc.tuple(anyGood, anyGood, fc.nat(58)).map(([a, b, at]) => a.slice(0, at) + b.slice(at)),
      fc.tuple(anyGood, fc.nat(58)).map(([token, at]) => token.slice(0, at)),
    )
    .filter((token) => !good.includes(token))
}

t.test(`${RUNS} tokens in process`, async (t) => {
  const { service, token } = await prepare(t)
  const others = await Promise.all([1, 2].map(() => service.signIn()))
  const countersigner = createCountersigner(service.config.masterKeys)
  const unreachable = () => {
    throw new Error('nothing beyond the MAC is asked')
  }
  const { authenticate } = createAuthenticator({
    countersigner,
    store: { present: unreachable },
    jwts: { verify: unreachable },
    passwords: { authenticate: unreachable },
    audit: unreachable,
    activity: { note: unreachable },
    recall: { find: () => undefined, begin: unreachable, keep: unreachable },
  })
  const use = { ip: '127.0.0.1', userAgent: '' }
  const refusals = new Map<string, number>()
  const hostile = hostileTokens([token, ...others.map((other) => other.token)])
  await fc.assert(
    fc.asyncProperty(hostile, async (token) => {
      const decision = await authenticate({ kind: 'token', token }, 'rotate', use)
      const outcome = decision.ok ? 'accepted' : decision.refusal.code
      refusals.set(outcome, (refusals.get(outcome) ?? 0) + 1)
      return !decision.ok
    }),
    { numRuns: RUNS },
  )
  const { forged = 0, malformed = 0, ...others_ } = Object.fromEntries(refusals)
  t.strictSame(others_, {})
  t.equal(forged + malformed, RUNS)
  t.ok(forged > RUNS / 10 && malformed > RUNS / 10, `${forged} forged, ${malformed} malformed`)
})

t.test(`${HTTP_RUNS} tokens over HTTP, from every source`, async (t) => {
  const { service, token } = await prepare(t)
  const { client } = service.redis
  const tokens = fc.sample(hostileTokens([token]), HTTP_RUNS)
  const places = Object.values(sources)
  const requests = tokens.map((hostile, index) => {
    // Controls, and spaces at the ends, cannot stand in a header.
    const headerOnly = /^[!-~]+$/.test(hostile)
    const place = places[headerOnly ? index % places.length : 1 + (index % (places.length - 1))]
    return place?.({ 'access-token': hostile }) ?? {}
  })
  const before = await readEverything(client)
  const statuses = new Map<string, number>()
  const commands = await commandsDuring(client, async () => {
    for (let i = 0; i < requests.length; i += 100) {
      const group = requests.slice(i, i + 100)
      const pipeline = group.map((request, j) => format({ ...request, keepAlive: j < group.length - 1 }))
      const answers = await sendRaw(service.port, Buffer.concat(pipeline))
      for (const [, status = ''] of answers.matchAll(/HTTP\/1\.1 (\d{3}) /g))
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  t.strictSame(Object.fromEntries(statuses), { 401: HTTP_RUNS })
  t.strictSame(commands, {})
  t.strictSame(await readEverything(client), before)
})
