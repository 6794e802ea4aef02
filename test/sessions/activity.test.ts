import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { locationKey, placeOf, sessionKey } from '../../src/store/keys.js'
import { startActivity } from '../support/activity-world.js'
import { lastingAnswer } from '../support/lasting.js'
import { nothingKnown } from '../support/places.js'
import { until } from '../support/redis-groups.js'
import { commandsDuring } from '../support/redis-state.js'

const london = { ip: '81.2.69.142', userAgent: 'Firefox' }

t.test('a thousand uses of a session are no command to Redis, and one note', async (t) => {
  const { activity, redis, store, open } = await startActivity(t)
  const session = await open('ada')
  activity.note(session, { ip: '89.160.1.1', userAgent: 'curl' })
  await activity.flush() // Redis knows the scripts from now on
  const noting = await commandsDuring(redis.client, async () => {
    for (let i = 0; i < 1000; i++) activity.note(session, { ...london, ip: `81.2.69.${i % 200}` })
  })
  t.strictSame(noting, {})
  t.match(activity.counts(), { noted: 1001, waiting: 1, dropped: 0 })
  t.match(activity.pending(session.handle), { ip: '81.2.69.199' })

  const flushing = await commandsDuring(redis.client, activity.flush)
  t.match(
    flushing,
    { evalsha: 2, get: 1, incrby: 1, set: 3 },
    'a touch and a listing; a location, its words and a user agent',
  )
  t.match(activity.counts(), { waiting: 0 })
  t.equal(activity.pending(session.handle), undefined)
  const [listed] = await store.list(placeOf('ada'))
  t.match(listed, { lastUse: { ip: '81.2.69.199', seenAt: Number } })

  activity.note(session, { ...london, ip: '81.2.69.199' })
  const again = await commandsDuring(redis.client, activity.flush)
  t.equal(again.evalsha, 1, 'a touch')
  t.notOk(again.get || again.set || again.incrby, 'what is known costs nothing')
  t.strictSame(await commandsDuring(redis.client, activity.flush), {}, 'nothing to write is nothing')
})

t.test('an address is located once and stored once, however it is spelled, for all sessions', async (t) => {
  const { activity, another, facts, locate, redis, open } = await startActivity(t)
  let lookups = 0
  const counting = another({
    locate: (ip) => {
      lookups++
      return locate(ip)
    },
  })
  const spellings = ['::ffff:81.2.69.142', '::FFFF:5102:458e', '81.2.69.142', '::ffff:81.2.69.142%eth0']
  for (const ip of spellings) counting.note(await open('ada'), { ...london, ip })
  await counting.flush()
  t.equal(lookups, 1)
  t.strictSame(await redis.client.keys('cs:geo:*'), ['cs:geo:81.2.69.142'])
  t.ok((await redis.client.ttl('cs:geo:81.2.69.142')) > 86_400)

  const known = (await facts.readLocations(['81.2.69.142'])).get('81.2.69.142')
  t.match(known, {
    fresh: true,
    location: {
      id: 1,
      ip: '81.2.69.142',
      type: 'ipv4',
      countryCode: 'GB',
      city: 'Boxford',
      postalCode: 'OX1',
      latitude: 51.75,
      longitude: -1.25,
      locatedAt: Number,
    },
  })
  activity.note(await open('bob'), london)
  await activity.flush()
  t.strictSame(
    (await facts.readLocations(['81.2.69.142'])).get('81.2.69.142'),
    known,
    'nor by another instance',
  )
  for (const ip of ['81.2.69.142', '::ffff:81.2.69.142']) t.equal(activity.countryOf(ip), 'GB')
  t.equal(activity.countryOf('89.160.1.1'), undefined, 'not looked up on the spot')
})

t.test('an answer that lasts keeps the country of the address that it is given to', async (t) => {
  const { activity, open } = await startActivity(t)
  const lasting = lastingAnswer()
  const session = await open('ada')
  activity.note(session, london, undefined, lasting)
  t.equal(activity.countryOf(london.ip, lasting), undefined)
  t.equal(lasting.country, undefined, 'not located yet')
  await activity.flush()
  t.equal(activity.countryOf('81.2.69.143', lasting), undefined, 'another address')
  t.equal(activity.countryOf(london.ip, lasting), 'GB')
  t.equal(lasting.country, 'GB')
  t.equal(activity.countryOf(london.ip, lasting), 'GB')

  activity.note(session, { ...london, ip: '127.0.0.1' }, undefined, lasting)
  t.equal(lasting.country, undefined)
  await activity.flush()
  t.equal(activity.countryOf('127.0.0.1', lasting), undefined)
  t.equal(lasting.country, null, 'it is known to have none')
  t.equal(activity.countryOf('127.0.0.1', lasting), undefined)
})

t.test('two instances that see an address first, together, agree on its id', async (t) => {
  const { activity, another, client, open } = await startActivity(t)
  const other = another()
  activity.note(await open('ada'), london)
  other.note(await open('bob'), london)
  await Promise.all([activity.flush(), other.flush()])
  const id = Number(await client.get('cs:geo-id'))
  const idOf = async () => (await client.getBuffer(locationKey(london.ip)))?.readUInt32BE()
  const stored = (await idOf()) ?? 0
  t.ok(stored >= 1 && stored <= id)
  const third = another()
  third.note(await open('eve'), london)
  await third.flush()
  t.equal(await idOf(), stored)
})

t.test('a location that has grown old is looked up again and keeps its id', async (t) => {
  const { activity, client, facts, open } = await startActivity(t)
  await facts.saveLocations([
    { ...blank, ip: '81.2.69.1' },
    { ...blank, ip: london.ip },
  ])
  const aged = (await client.getBuffer(locationKey(london.ip))) ?? Buffer.alloc(0)
  aged.writeUIntBE(Date.now() - 31 * 86_400_000, 4, 6)
  await client.set(locationKey(london.ip), aged)
  activity.note(await open('ada'), london)
  activity.note(await open('ada'), { ...london, ip: '81.2.69.1' })
  await activity.flush()
  const read = await facts.readLocations([london.ip, '81.2.69.1'])
  t.match(read.get(london.ip), { fresh: true, location: { id: aged.readUInt32BE(), city: 'Boxford' } })
  t.match(read.get('81.2.69.1'), { location: { city: undefined } }, 'a fresh one stays')
})

const blank = { ...nothingKnown, type: 'ipv4' } as const

t.test('ten thousand new addresses in one flush: all are stored, and requests get their turns', async (t) => {
  const { another, client, locate, store, open } = await startActivity(t)
  let turns = 0
  let inThisTurn = { turn: 0, lookups: 0 }
  let most = 0
  const activity = another({
    locate(ip) {
      if (inThisTurn.turn !== turns) inThisTurn = { turn: turns, lookups: 0 }
      most = Math.max(most, ++inThisTurn.lookups)
      return locate(ip)
    },
  })
  const session = await open('ada')
  // Sessions that are gone by now cost as much, and need not be opened for it.
  for (let i = 0; i < 10_000; i++)
    activity.note(
      { ...session, handle: `gone-${i}` },
      { ip: `81.2.${i >> 8}.${i & 255}`, userAgent: `ua ${i % 500}` },
    )
  activity.note(session, london)
  let flushed = false
  // A machine that is too busy to answer in time fails a part; the rest is for the next flush.
  const flushing = until('all is written', async () => {
    await activity.flush()
    return activity.counts().waiting === 0
  }).finally(() => {
    flushed = true
  })
  for (; !flushed; turns++) await turn()
  await flushing
  t.ok(turns > 30, `${turns} turns`)
  t.ok(most <= 256, `${most} look-ups in one turn`)
  const keys = await client.dbsize()
  t.ok(keys >= 10_500, `${keys} keys`)
  t.equal((await client.keys('cs:geo:*')).length, 10_001)
  t.match(await store.list(placeOf('ada')), [{ lastUse: { ip: london.ip } }])
  t.equal(await client.exists(sessionKey(session.tag, 'gone-1')), 0)
})

t.test('Redis is away: notes wait, bounded, oldest dropped; what ended stays ended', async (t) => {
  const { another, redis, client, store, faults, open } = await startActivity(t)
  const activity = another({ mostWaiting: 3 })
  const sessions = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((uid) => open(uid)))
  const [, , ended, alive] = sessions as [unknown, unknown, (typeof sessions)[0], (typeof sessions)[0]]
  await store.revoke(ended.tag, ended.handle, 'test')
  await redis.kill()
  for (const session of sessions) activity.note(session, london)
  for (const _ of '123') await activity.flush()
  t.equal(faults.length, 1, 'an outage is told once')
  t.match(activity.counts(), { noted: 5, waiting: 3, dropped: 2 })
  activity.note(alive, { ...london, userAgent: 'later' })
  t.match(activity.counts(), { waiting: 3 })

  await redis.restart()
  await until('it is written', async () => {
    await activity.flush()
    return activity.counts().waiting === 0
  })
  t.equal(await client.exists(sessionKey(ended.tag, ended.handle)), 0)
  t.match(await store.list(placeOf('c')), [])
  t.match(await store.list(placeOf('d')), [{ lastUse: { ip: london.ip } }])
  t.match(await store.list(placeOf('a')), [{ lastUse: { ip: undefined } }], 'its note was dropped')
  await redis.kill()
  activity.note(alive, london)
  await activity.flush()
  t.equal(faults.length, 2, 'and the next outage again')
})

t.test('Redis dies in the middle of a flush', async (t) => {
  const { another, redis, store, facts, open } = await startActivity(t)
  let kill = async () => {
    kill = async () => {}
    await redis.kill()
  }
  const activity = another({
    facts: {
      ...facts,
      async saveLocations(locations) {
        await facts.saveLocations(locations)
        await kill()
      },
    },
  })
  const session = await open('ada')
  activity.note(session, london)
  await activity.flush()
  t.match(activity.pending(session.handle), london, 'still there, and still shown')
  activity.note(session, { ...london, userAgent: 'newer' })
  await redis.restart()
  await until('it is written', async () => {
    await activity.flush()
    return activity.counts().waiting === 0
  })
  t.match(await store.list(placeOf('ada')), [{ lastUse: { ip: london.ip } }])
  t.match(await redis.client.keys('cs:ua:*'), { length: 2 })
})

t.test('what fails for another reason than Redis does not hold up the others', async (t) => {
  const { activity, client, store, faults, open } = await startActivity(t)
  await client.set(locationKey('81.2.69.1'), 'not ours')
  const bad = await open('bad')
  activity.note(bad, { ...london, ip: '81.2.69.1' })
  for (let i = 0; i < 255; i++) activity.note({ ...bad, handle: `gone-${i}` }, london)
  activity.note(await open('good'), london)
  await activity.flush()
  t.match(faults, [RangeError])
  t.match(activity.counts(), { waiting: 0, dropped: 256 })
  t.match(await store.list(placeOf('good')), [{ lastUse: { ip: london.ip } }])
})

t.test('a use that is noted during a flush is written by the next', async (t) => {
  const { another, store, open } = await startActivity(t)
  const session = await open('ada')
  const activity = another({
    store: {
      ...store,
      async touch(notes) {
        const alive = await store.touch(notes)
        if (notes[0]?.userAgent === london.userAgent)
          activity.note(session, { ...london, userAgent: 'newer' })
        return alive
      },
    },
  })
  activity.note(session, london, 'opened')
  await Promise.all([activity.flush(), activity.flush()])
  t.match(activity.pending(session.handle), { userAgent: 'newer', opened: undefined })
  await activity.close()
  t.equal(activity.counts().waiting, 0, 'closing writes the rest')
})

t.test('it flushes by itself', async (t) => {
  const { another, open } = await startActivity(t)
  const activity = another({ flushMs: 5 })
  activity.note(await open('ada'), london)
  await until('it is written', () => activity.counts().waiting === 0)
})

t.test('user agents are cut and shared', async (t) => {
  const { activity, facts, client, store, open } = await startActivity(t)
  const long = 'x'.repeat(5_000)
  for (const userAgent of [long, `${long}y`, '']) activity.note(await open('ada'), { ...london, userAgent })
  await activity.flush()
  t.match(await client.keys('cs:ua:*'), { length: 1 })
  const hashes = (await store.list(placeOf('ada'))).map(({ lastUse }) => lastUse.userAgentHash)
  t.equal(hashes.filter((hash) => hash === undefined).length, 1, 'none is no user agent')
  const read = await facts.readUserAgents(hashes.filter((hash) => hash !== undefined))
  t.strictSame([...read.values()], [long.slice(0, 512)])
})
