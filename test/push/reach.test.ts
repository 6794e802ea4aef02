import { request } from 'node:https'
import t from 'tap'
import { publicAddress } from '../../src/geo/address.js'
import { createReach, type Reach } from '../../src/push/reach.js'
import { PUSH_HOST, PUSH_ORIGIN, startPushService } from '../support/push-service.js'

const isPublic = (ip: string) => publicAddress(ip) !== undefined

/** @returns the status that `agent` gets, or the code of the error */
const post = ({ agent }: Reach, url = `${PUSH_ORIGIN}/send`) =>
  new Promise((resolve) => {
    request(url, { agent, method: 'POST' }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', (error) => resolve('code' in error ? error.code : error.message))
      .end()
  })

t.test('a host is public when all of its addresses are', async (t) => {
  for (const [addresses, expected] of [
    [['93.184.216.34'], true],
    [['2606:4700::1111'], true],
    [['93.184.216.34', '2606:4700::1111'], true],
    [[], false],
    [['93.184.216.34', '10.0.0.1'], false],
    [['::1', '93.184.216.34'], false],
    ...[
      ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254'],
      ...['172.16.0.1', '192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
      ...['::', '::1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '::ffff:7f00:1', '::127.0.0.1'],
      ...['64:ff9b::a00:1', '2002:a00:1::', '2001::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd00:ec2::254'],
      ...['ff02::1', 'no address'],
    ].map((address) => [[address], false] as const),
  ] as const) {
    const reach = createReach({ isPublic, resolve: async () => [...addresses] })
    t.equal(await reach.isPublicHost('push.example.net'), expected, addresses.join(' '))
    if (!expected) t.equal(await post(reach), 'NOT_PUBLIC', `${addresses.join(' ')}: nor connected to`)
  }
})

t.test('a DNS that fails leads nowhere', async (t) => {
  const resolve = () => Promise.reject(Object.assign(new Error('SERVFAIL'), { code: 'ESERVFAIL' }))
  const reach = createReach({ isPublic, resolve })
  t.equal(await reach.isPublicHost('push.example.net'), false)
  t.equal(await post(reach), 'ESERVFAIL')
})

t.test('names of this machine are not public', async (t) => {
  const reach = createReach({ isPublic })
  for (const host of ['localhost', 'localhost.', 'a.localhost'])
    t.equal(await reach.isPublicHost(host), false, host)
})

t.test('a connection goes to the addresses that were looked at', async (t) => {
  const service = await startPushService(t)
  t.equal(await post(createReach(service.reach)), 201)
  t.equal(service.connections(), 1)
})

t.test('a name that has moved since it was looked at gains nothing', async (t) => {
  const service = await startPushService(t)
  const answers = [['93.184.216.34'], ['127.0.0.1'], ['93.184.216.34', '127.0.0.1']]
  let asked = 0
  const reach = createReach({ ...service.reach, isPublic, resolve: async () => answers[asked++] ?? [] })
  t.equal(await reach.isPublicHost(PUSH_HOST), true)
  t.equal(await post(reach), 'NOT_PUBLIC')
  t.equal(await post(reach), 'NOT_PUBLIC')
  t.equal(asked, 3, 'each connection looks again')
  t.equal(service.connections(), 0, 'and does not even knock')
})
