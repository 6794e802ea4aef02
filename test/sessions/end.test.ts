import t from 'tap'
import { actor, startSessions, use } from '../support/sessions-alone.js'

async function start(...[t]: Parameters<typeof startSessions>) {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')
  const isAlive = async (token: string) =>
    (
      await world.authenticate(
        { kind: token.startsWith('cst_') ? 'token' : 'jwt', token, jwt: token },
        'verify',
        use,
      )
    ).ok
  return { ...world, account, isAlive, grace: await world.addAccount('grace') }
}

t.test('one session ends, for good, by whoever its account is', async (t) => {
  const world = await start(t)
  const { token, session } = await world.mustOpen(world.account, 'rotating')
  const other = await world.mustOpen(world.account, 'rotating')
  world.events.length = 0
  t.equal(await world.end('grace', session.handle, 'deleted', actor), false, 'it is none of hers')
  t.equal(await world.isAlive(token), true)
  t.equal(await world.end('ADA', session.handle, 'deleted', actor), true)
  t.equal(await world.isAlive(token), false)
  t.equal(await world.isAlive(other.token), true)
  t.equal(await world.end('ada', session.handle, 'deleted', actor), false, 'it has ended')
  t.strictSame(world.events, [
    {
      type: 'session.ended',
      actor: 'operator',
      uid: 'ada',
      handle: session.handle,
      kind: 'rotating',
      reason: 'deleted',
      ...use,
      ended: 1,
    },
  ])
})

t.test('all end, or all but one, in one entry', async (t) => {
  const world = await start(t)
  const opened = [
    await world.mustOpen(world.account, 'rotating'),
    await world.mustOpen(world.account, 'fixed'),
    await world.mustOpen(world.account, 'jwt'),
  ]
  const hers = await world.mustOpen(world.grace, 'fixed')
  world.events.length = 0
  const spared = opened[1]?.session.handle
  t.equal(await world.endAll('Ada', 'ended-by-service', actor, spared), 2)
  t.strictSame(await Promise.all(opened.map(({ token }) => world.isAlive(token))), [false, true, false])
  t.equal(await world.endAll('ada', 'ended-by-service', actor), 1)
  t.equal(await world.isAlive(opened[1]?.token ?? ''), false)
  t.equal(await world.isAlive(hers.token), true)
  const entry = { type: 'sessions.ended', actor: 'operator', uid: 'ada', reason: 'ended-by-service', ...use }
  t.strictSame(world.events, [
    { ...entry, ended: 2 },
    { ...entry, ended: 1 },
  ])
})

t.test('a token ends its session, whichever of its tokens it is', async (t) => {
  const world = await start(t)
  const { token } = await world.mustOpen(world.account, 'rotating')
  const rotated = await world.authenticate({ kind: 'token', token }, 'rotate', use)
  const next = rotated.ok ? (rotated.token ?? '') : ''
  const jwt = await world.mustOpen(world.account, 'jwt')
  world.events.length = 0
  await world.endByToken(token, 'revoked', actor, 'grace')
  t.equal(await world.isAlive(next), true, 'not hers to end')
  await world.endByToken(`${token}A`, 'revoked', actor)
  await world.endByToken('cst_', 'revoked', actor)
  t.strictSame(world.events, [])
  await world.endByToken(token, 'revoked', actor, 'ada')
  t.equal(await world.isAlive(next), false)
  await world.endByToken(jwt.token, 'revoked', actor)
  t.equal(await world.isAlive(jwt.token), false)
  t.strictSame(
    world.events.map(({ type, kind }) => [type, kind]),
    [
      ['session.ended', 'rotating'],
      ['session.ended', 'jwt'],
    ],
  )
})
