import t from 'tap'
import type { Opened } from '../../src/sessions/note.js'
import { type ActivityWorld, startActivity } from '../support/activity-world.js'
import { until } from '../support/redis-groups.js'

const britain = { ip: '81.2.69.142', userAgent: '' }
const sweden = { ip: '89.160.20.112', userAgent: '' }
const swedenToo = { ip: '2a02:cf40::1', userAgent: '' }
const japan = { ip: '2001:218::1', userAgent: '' }
const nowhere = { ip: '10.0.0.1', userAgent: '' }

/** A session is opened and used as the service does it: the record carries the first use, which is noted, too. */
async function signIn({ open, activity }: ActivityWorld, uid: string, use: { ip: string }) {
  const session = await open(uid, use.ip)
  activity.note(session, { ...britain, ...use }, 'opened')
  return session
}

const told = ({ events }: ActivityWorld) =>
  events.splice(0).map(({ uid, handle, reason }) => [uid, handle, reason])

t.test('the first sign-in is no news, nor one from where the account was before', async (t) => {
  const world = await startActivity(t)
  await signIn(world, 'ada', britain)
  await world.activity.flush()
  await signIn(world, 'ada', { ip: '81.2.1.1' })
  await signIn(world, 'ada', nowhere)
  await signIn(world, 'bob', nowhere)
  await world.activity.flush()
  await signIn(world, 'bob', japan)
  await world.activity.flush()
  t.strictSame(told(world), [], 'nor is the first public address')
})

t.test('a sign-in from a new country is told once, whatever session it is compared with', async (t) => {
  const world = await startActivity(t)
  await signIn(world, 'ada', britain)
  await signIn(world, 'ada', nowhere)
  await world.activity.flush()
  const { handle } = await signIn(world, 'ada', sweden)
  await world.activity.flush()
  t.match(world.events, [
    { type: 'session.new_location', uid: 'ada', handle, reason: 'SE', ip: sweden.ip, userAgent: '' },
  ])
  told(world)
  await signIn(world, 'ada', swedenToo)
  await world.activity.flush()
  t.strictSame(told(world), [], 'known by then')
})

t.test('a session that moves is told, and told again only when it moves on', async (t) => {
  const world = await startActivity(t)
  const session = await signIn(world, 'ada', britain)
  await world.activity.flush()
  for (const use of [sweden, sweden, swedenToo]) {
    world.activity.note(session, use)
    await world.activity.flush()
  }
  t.strictSame(told(world), [['ada', session.handle, 'SE']])
  world.activity.note(session, japan)
  await world.activity.flush()
  t.strictSame(told(world), [['ada', session.handle, 'JP']])
})

t.test('an instance that never saw the session before compares with what Redis has', async (t) => {
  const world = await startActivity(t)
  const session = await signIn(world, 'ada', britain)
  await world.activity.flush()
  const other = world.another()
  other.note(session, { ...britain, ip: '81.2.1.1' })
  await other.flush()
  t.strictSame(told(world), [])
  other.note(session, sweden)
  await other.flush()
  t.strictSame(told(world), [['ada', session.handle, 'SE']])
})

t.test('several sign-ins from one new country at one moment: the first is the news', async (t) => {
  const world = await startActivity(t)
  await signIn(world, 'ada', britain)
  await world.activity.flush()
  const other = world.another()
  const [first] = [await signIn(world, 'ada', sweden), await signIn(world, 'ada', swedenToo)]
  const elsewhere = await world.open('ada', sweden.ip)
  other.note(elsewhere, sweden, 'opened')
  const { handle } = await signIn(world, 'ada', japan)
  await Promise.all([other.flush(), world.activity.flush()])
  t.strictSame(told(world), [
    ['ada', first?.handle, 'SE'],
    ['ada', handle, 'JP'],
  ])
})

t.test('when writing fails, the news waits with it', async (t) => {
  const world = await startActivity(t)
  const session = await signIn(world, 'ada', britain)
  await world.activity.flush()
  let fails = true
  const activity = world.another({
    store: {
      ...world.store,
      touch: async (notes) => {
        if (fails) await world.redis.kill()
        fails = false
        return world.store.touch(notes)
      },
    },
  })
  activity.note(session, sweden)
  await activity.flush()
  t.strictSame(told(world), [])
  await world.redis.restart()
  await until('it is written', async () => {
    await activity.flush()
    return activity.counts().waiting === 0
  })
  t.strictSame(told(world), [['ada', session.handle, 'SE']])
})

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
const newerFirefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0'
const firefoxOnWindows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0'

/** Signs in with a user agent that is known at once, as the service does it. */
async function signInOn(world: ActivityWorld, userAgent: string, opened: Opened = 'opened') {
  const session = await world.open('ada', britain.ip, userAgent)
  world.activity.note(session, { ip: britain.ip, userAgent }, opened)
  return session
}

t.test('a sign-in on a new device is told; an update, or a device that is known, is none', async (t) => {
  const world = await startActivity(t)
  await signInOn(world, firefox)
  await world.activity.flush()
  await signInOn(world, newerFirefox)
  await signInOn(world, firefox)
  await world.activity.flush()
  t.strictSame(told(world), [])
  const { handle } = await signInOn(world, firefoxOnWindows)
  await world.activity.flush()
  t.match(world.events, [{ type: 'session.new_device', uid: 'ada', handle, reason: 'Firefox on Windows' }])
  t.match(world.news, [{ handle, country: 'GB', device: { os: 'Windows' }, events: ['session.new_device'] }])
  told(world)
  await signInOn(world, firefoxOnWindows)
  await world.activity.flush()
  t.strictSame(told(world), [], 'known by then')
})

t.test('what says nothing of itself is a device like others', async (t) => {
  const world = await startActivity(t)
  await signInOn(world, 'curl/8.1')
  await world.activity.flush()
  await signInOn(world, '')
  await signInOn(world, 'curl/9.0')
  await world.activity.flush()
  t.strictSame(told(world), [])
  const { handle } = await signInOn(world, firefox)
  await world.activity.flush()
  t.strictSame(told(world), [['ada', handle, 'Firefox on Linux']])
})

t.test('several sign-ins on one new device at one moment: the first is the news', async (t) => {
  const world = await startActivity(t)
  await signInOn(world, firefox)
  await world.activity.flush()
  const { handle } = await signInOn(world, firefoxOnWindows)
  await signInOn(world, firefoxOnWindows)
  await world.activity.flush()
  t.strictSame(told(world), [['ada', handle, 'Firefox on Windows']])
})

t.test('a session that goes from device to device is no news', async (t) => {
  const world = await startActivity(t)
  await signInOn(world, firefox)
  const session = await signInOn(world, firefox)
  await world.activity.flush()
  for (const userAgent of [firefoxOnWindows, '', firefoxOnWindows]) {
    world.activity.note(session, { ip: britain.ip, userAgent })
    await world.activity.flush()
  }
  t.strictSame(told(world), [])
})

t.test(
  'a service that opens a session for somebody is no device of theirs, unless it passes theirs on',
  async (t) => {
    const world = await startActivity(t)
    await signInOn(world, firefox)
    await world.activity.flush()
    await signInOn(world, 'axios/1.21', 'opened-for-another')
    await world.activity.flush()
    t.strictSame(told(world), [])
    const { handle } = await signInOn(world, firefoxOnWindows, 'opened-for-another')
    await world.activity.flush()
    t.strictSame(told(world), [['ada', handle, 'Firefox on Windows']])
  },
)
