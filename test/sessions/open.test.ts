import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { type Warrant, warrantOf } from '../../src/session.js'
import { actor, startSessions, use } from '../support/sessions-alone.js'

const DAY_MS = 86_400_000
/** As a password's hash is stored. */
const phc = (salt: string) => `$argon2id$v=19$m=19456,t=2,p=1$${salt}$hash`

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

t.test('a session rests on a password that is not changed, or a session that has not ended', async (t) => {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')
  const by = async (warrant: Warrant) => {
    const opened = await world.open({ account, kind: 'fixed', warrant, actor })
    return opened.ok ? 'opened' : opened.code
  }
  await world.accounts.setPassword('ada', phc('first'))
  t.equal(await by({ passwordMark: 'first' }), 'opened')
  for (const mark of ['', 'f', 'irst', 'first$', '.....', 'argon2id', 'second'])
    t.equal(await by({ passwordMark: mark }), 'wrong-password', mark)
  await world.accounts.setPassword('ada', phc('second'))
  t.strictSame(
    [await by({ passwordMark: 'first' }), await by({ passwordMark: 'second' })],
    ['wrong-password', 'opened'],
  )

  const { session } = await world.mustOpen(account, 'rotating')
  const warrant = warrantOf({ ok: true, account, session, token: undefined, rotated: false })
  t.equal(await by(warrant), 'opened')
  t.equal(await by({ sessionHandle: '' }), 'revoked')
  t.equal(await by({ sessionHandle: 'A'.repeat(22) }), 'revoked', 'there never was one')
  await world.accounts.mark('ada', 'cut-off')
  t.equal(await by(warrant), 'revoked')
  t.equal(await by({ passwordMark: 'second' }), 'opened', 'whoever signs in again')
})

t.test('who may have none gets none, and nothing is recorded', async (t) => {
  const world = await startSessions(t)
  const [ada, grace] = [await world.addAccount('ada'), await world.addAccount('grace')]
  await world.mustOpen(ada, 'jwt', { description: 'Job' })
  world.events.length = 0
  const wanted = { warrant: undefined, actor, description: 'Job' }
  const open = (account: typeof ada) => world.open({ account, kind: 'jwt', ...wanted })
  t.strictSame(await open(ada), { ok: false, code: 'description-taken' })
  t.strictSame(await open({ ...ada, uid: 'nobody' }), { ok: false, code: 'unknown' })
  await world.accounts.mark('grace', 'suspend')
  t.strictSame(await open(grace), { ok: false, code: 'suspended' })
  t.strictSame(world.events, [])
  t.ok((await world.open({ account: ada, kind: 'fixed', ...wanted })).ok, 'only JWTs are unique')
})
