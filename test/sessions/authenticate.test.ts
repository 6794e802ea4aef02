import t from 'tap'
import type { Decision } from '../../src/session.js'
import { uuidOfHandle } from '../../src/session.js'
import type { Credential } from '../../src/sessions/credential.js'
import { commandsDuring } from '../support/redis-state.js'
import { startSessions, use } from '../support/sessions-alone.js'

const codeOf = (decision: Decision) => (decision.ok ? 'granted' : decision.refusal.code)

t.test('what no Redis is needed for is refused without one', async (t) => {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')
  const { token, session } = await world.mustOpen(account, 'rotating')
  const jwt = (await world.mustOpen(account, 'jwt')).token
  const cases: [Credential, string][] = [
    [{ kind: 'none' }, 'missing'],
    [{ kind: 'conflict' }, 'conflict'],
    [{ kind: 'token', token: '' }, 'malformed'],
    [{ kind: 'token', token: 'undefined' }, 'malformed'],
    [{ kind: 'token', token: jwt }, 'malformed'],
    [
      { kind: 'token', token: `${token.slice(0, -2)}${token.at(-2) === 'A' ? 'B' : 'A'}${token.at(-1)}` },
      'forged',
    ],
    [{ kind: 'token', token, handle: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'mismatch'],
    [{ kind: 'token', token, handle: session.handle, uid: 'somebody of another tag' }, 'mismatch'],
    [{ kind: 'jwt', jwt: token }, 'malformed'],
    [{ kind: 'jwt', jwt: `${jwt.slice(0, -4)}AAAA` }, 'forged'],
  ]
  for (const [credential, code] of cases) {
    let decision: Decision | undefined
    const commands = await commandsDuring(world.redis.client, async () => {
      decision = await world.authenticate(credential, 'rotate', use)
    })
    t.strictSame([decision && codeOf(decision), commands], [code, {}], JSON.stringify(credential))
  }
  t.strictSame(world.noted.length, 2, 'a refused one is no use of a session')
})

t.test('every kind proves its session', async (t) => {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')

  const rotating = await world.mustOpen(account, 'rotating')
  const spelled = {
    kind: 'token',
    token: rotating.token,
    handle: rotating.session.handle,
    uid: 'ADA',
  } as const
  const verified = await world.authenticate(spelled, 'verify', use)
  t.match(verified, { ok: true, account, session: { handle: rotating.session.handle, kind: 'rotating' } })
  t.match(verified, { token: rotating.token, rotated: false }, 'verifying hands nothing out')
  const rotated = await world.authenticate(spelled, 'rotate', use)
  t.ok(rotated.ok && rotated.rotated && rotated.token !== rotating.token)

  const fixed = await world.mustOpen(account, 'fixed')
  const forced = await world.authenticate({ kind: 'token', token: fixed.token }, 'force', use)
  t.match(forced, { token: fixed.token, rotated: false }, 'a fixed token stays')

  const jwt = await world.mustOpen(account, 'jwt', { description: 'Job' })
  const proved = await world.authenticate({ kind: 'jwt', jwt: jwt.token }, 'rotate', use)
  t.match(proved, { ok: true, session: { kind: 'jwt' }, token: undefined }, 'a JWT is never handed out again')

  const login = await world.authenticate({ kind: 'password', login: 'ada', password: 'right' }, 'verify', use)
  t.match(login, { ok: true, account, session: undefined, token: undefined })
  const wrong = await world.authenticate({ kind: 'password', login: 'ada', password: 'wrong' }, 'verify', use)
  t.equal(codeOf(wrong), 'wrong-password')
})

t.test('a JWT with the handle of another kind of session proves nothing', async (t) => {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')
  for (const kind of ['rotating', 'fixed'] as const) {
    const { session } = await world.mustOpen(account, kind)
    const { handle, createdAt: issuedAt, endsAt: expiresAt } = session
    const jwt = world.jwts.sign({ uid: 'ada', handle, description: '', issuedAt, expiresAt })
    t.ok(jwt.length > 0 && uuidOfHandle(handle).length === 36)
    t.equal(codeOf(await world.authenticate({ kind: 'jwt', jwt }, 'verify', use)), 'mismatch', kind)
  }
})

t.test('a use is noted when there is one', async (t) => {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')
  const { token, session } = await world.mustOpen(account, 'fixed')
  world.noted.length = 0
  await world.authenticate({ kind: 'token', token }, 'verify')
  t.strictSame(world.noted, [], 'somebody else asked')
  await world.authenticate({ kind: 'token', token }, 'verify', use)
  t.strictSame(
    world.noted.map(({ handle }) => handle),
    [session.handle],
  )
})

t.test('a suspension is told as what it is, before and after it has ended the session', async (t) => {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')
  const { token } = await world.mustOpen(account, 'fixed')
  const jwt = (await world.mustOpen(account, 'jwt')).token
  const codes = async () => [
    codeOf(await world.authenticate({ kind: 'token', token }, 'verify', use)),
    codeOf(await world.authenticate({ kind: 'jwt', jwt }, 'verify', use)),
  ]
  await world.accounts.mark('ada', 'suspend')
  t.strictSame(await codes(), ['suspended', 'suspended'])
  await world.endAll('ada', 'suspended', { ...use, uid: undefined })
  t.strictSame(await codes(), ['suspended', 'suspended'])
  await world.accounts.mark('ada', 'restore')
  const opened = await world.mustOpen(account, 'fixed')
  t.equal(codeOf(await world.authenticate({ kind: 'token', token: opened.token }, 'verify', use)), 'granted')
})

t.test('without Redis nobody is refused for it', async (t) => {
  const world = await startSessions(t)
  const account = await world.addAccount('ada')
  const { token } = await world.mustOpen(account, 'fixed')
  await world.redis.kill()
  await t.rejects(async () => world.authenticate({ kind: 'token', token }, 'verify', use), {
    code: 'STORE_UNAVAILABLE',
  })
})
