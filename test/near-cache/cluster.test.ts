/** On a cluster every master has its own stream, and each tells of the accounts that live there. */
import t from 'tap'
import { generateMasterKeys } from '../../src/token/master-keys.js'
import { startInstance } from '../support/instance.js'
import { startCluster, until } from '../support/redis-groups.js'
import { scriptsOf } from '../support/redis-state.js'

const ACCOUNTS = 12
const password = 'a password for all of them'

t.test('a revocation on any master is heard', async (t) => {
  const { url, masters } = await startCluster(t)
  const env = { REDIS_URL: url, COUNTERSIGN_KEYS: generateMasterKeys() }
  const [here, there] = await Promise.all([startInstance(t, env), startInstance(t, env)])
  await until('one stream a master and instance', async () => {
    const lists = await Promise.all(masters.map(({ client }) => client.client('LIST')))
    return lists.every((list) => String(list).split('name=countersign-invalidations').length - 1 === 2)
  })
  const scripts = async () => {
    const ofEach = await Promise.all(masters.map(({ client }) => scriptsOf(client)))
    return ofEach.reduce((sum, calls) => sum + calls)
  }
  const held = new Set<number>()
  for (let i = 0; i < ACCOUNTS; i++) {
    const uid = `user${i}`
    await here.accounts.create(
      { uid, provider: 'local', password },
      { uid: 'operator', ip: '', userAgent: '' },
    )
    const authorization = `Basic ${Buffer.from(`${uid}:${password}`).toString('base64')}`
    const opened = await here.app.inject({ method: 'POST', url: '/token', headers: { authorization } })
    const token: string = opened.json().id
    const headers = { authorization: `Bearer ${token}` }
    const verify = async () =>
      (await there.app.inject({ method: 'POST', url: '/token/verify', headers })).statusCode
    await until('accepted from memory', async () => {
      const before = await scripts()
      return (await verify()) === 200 && (await scripts()) === before
    })
    const ended = await here.app.inject({ method: 'DELETE', url: '/token', headers, payload: { id: token } })
    t.equal(ended.statusCode, 204)
    await until('refused', async () => (await verify()) === 401)
    for (const [master, { client }] of masters.entries()) if ((await client.dbsize()) > 0) held.add(master)
  }
  t.equal(held.size, masters.length, 'accounts live on all of them')
})
