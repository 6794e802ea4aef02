import t from 'tap'
import { startRedis } from './redis.js'

t.test('a test server keeps its data over kill and restart, and freezes', async (t) => {
  const redis = await startRedis(t)
  await redis.client.set('k', 'v')
  const first = redis.pid
  await redis.kill()
  await redis.restart()
  t.not(redis.pid, first)
  t.equal(await redis.client.get('k'), 'v')
  redis.freeze()
  const answer = redis.client.get('k')
  redis.thaw()
  t.equal(await answer, 'v')
})

t.test('ends with its test', async (t) => {
  let pid = 0
  await t.test('inner', async (t) => {
    pid = (await startRedis(t)).pid
  })
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})
