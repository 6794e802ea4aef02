import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { actor, startSessions, use } from '../support/sessions-alone.js'

const DAY_MS = 86_400_000

t.test('each kind lives as its row of the policy says, or as long as was asked for', async (t) => {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')
  const lives = { rotating: [1, 2], fixed: [183, 183], jwt: [30, 30] } as const
  for (const [kind, [idle, absolute]] of Object.entries(lives)) {
    const { session } = await world.mustOpen(account, kind as keyof typeof lives)
    t.equal(session.kind, kind)
    t.equal(session.expiresAt - session.createdAt, idle * DAY_MS, kind)
    t.equal(session.endsAt - session.createdAt, absolute * DAY_MS, kind)
    const { session: short } = await world.mustOpen(account, kind as keyof typeof lives, { lifeMs: 5000 })
    t.strictSame([short.expiresAt, short.endsAt], [short.createdAt + 5000, short.createdAt + 5000])
  }
})

t.test('what was opened is recorded, with who asked for it and from where', async (t) => {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')
  const { session } = await world.mustOpen(account, 'fixed', { scopes: ['read', 'write'] })
  t.strictSame(session.scopes, ['read', 'write'])
  t.strictSame(world.events, [
    { type: 'session.opened', actor: 'operator', uid: 'ada', handle: session.handle, kind: 'fixed', ...use },
  ])
  t.strictSame(world.noted, [session], 'opening is its first use')
})

t.test('beyond the cap the least recently used of that kind goes, never the new one', async (t) => {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')
  const other = await world.mustOpen(account, 'rotating')
  const first = await world.mustOpen(account, 'fixed')
  while (Date.now() <= first.session.createdAt) await setImmediate() // Redis runs on the same clock
  const second = await world.mustOpen(account, 'fixed')
  const alive = async ({ token }: { token: string }) =>
    (await world.authenticate({ kind: 'token', token }, 'verify', use)).ok
  world.events.length = 0
  const third = await world.mustOpen(account, 'fixed')
  t.strictSame(
    world.events.map(({ type, handle }) => [type, handle]),
    [
      ['session.opened', third.session.handle],
      ['session.evicted', first.session.handle],
    ],
  )
  t.strictSame(await Promise.all([first, second, third, other].map(alive)), [false, true, true, true])
})

t.test('who may have none gets none, and nothing is recorded', async (t) => {
  const world = await startSessions(t)
  const [ada, grace] = [await world.addAccount('ada'), await world.addAccount('grace')]
  await world.mustOpen(ada, 'jwt', { description: 'Job' })
  world.events.length = 0
  const open = (account: typeof ada) => world.open({ account, kind: 'jwt', actor, description: 'Job' })
  t.strictSame(await open(ada), { ok: false, code: 'description-taken' })
  t.strictSame(await open({ ...ada, uid: 'nobody' }), { ok: false, code: 'unknown' })
  await world.accounts.mark('grace', 'suspend')
  t.strictSame(await open(grace), { ok: false, code: 'suspended' })
  t.strictSame(world.events, [])
  t.ok(
    (await world.open({ account: ada, kind: 'fixed', actor, description: 'Job' })).ok,
    'only JWTs are unique',
  )
})
