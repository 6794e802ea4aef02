import { createECDH, randomBytes } from 'node:crypto'
import t from 'tap'
import { readSubscription } from '../../src/push/subscription.js'

const pair = createECDH('prime256v1')
pair.generateKeys()
const good = {
  endpoint: 'https://push.example.net/send/abc?x=1',
  p256dh: pair.getPublicKey('base64url'),
  auth: randomBytes(16).toString('base64url'),
}
const problemOf = (given: Partial<typeof good>) => {
  const read = readSubscription({ ...good, ...given })
  return 'problem' in read ? /^'([\w.]+)' has to be .+\.$/.exec(read.problem)?.[1] : undefined
}

t.test('a good one is read as it is, in one spelling', async (t) => {
  t.strictSame(readSubscription(good), good)
  t.strictSame(readSubscription({ ...good, p256dh: `${good.p256dh}=`, auth: `${good.auth}==` }), good)
  t.match(readSubscription({ ...good, endpoint: 'HTTPS://Push.Example.NET:443/send' }), {
    endpoint: 'https://push.example.net/send',
  })
  const longest = `https://push.example.net/${'a'.repeat(1024 - 'https://push.example.net/'.length)}`
  t.match(readSubscription({ ...good, endpoint: longest }), { endpoint: longest })
  t.equal(problemOf({ endpoint: `${longest}a` }), 'endpoint')
  t.equal(problemOf({ endpoint: `https://push.example.net/${'é'.repeat(300)}` }), 'endpoint', 'as it is sent')
})

t.test('what is no https URL of a name, at its own port', async (t) => {
  for (const endpoint of [
    '',
    'push.example.net',
    'http://push.example.net/',
    'ftp://push.example.net/',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'https://',
    'https://push.example.net:80/',
    'https://push.example.net:8443/',
    'https://user@push.example.net/',
    'https://user:secret@push.example.net/',
    'https://push.example.net:99999/',
    'https://127.0.0.1/',
    'https://127.0.0.1:443/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://0x7f.1/',
    'https://127.0.0.1./',
    'https://①②⑦.0.0.1/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://8.8.8.8/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[fd00::1]/',
    'https://[2606:4700::1111]/',
    'https://push.example.net@127.0.0.1/',
    'https://127.0.0.1\\@push.example.net/',
    'https:127.0.0.1',
  ])
    t.equal(problemOf({ endpoint }), 'endpoint', endpoint)
})

t.test('keys that are none', async (t) => {
  const point = pair.getPublicKey()
  const off = Buffer.from(point)
  off[64] = (off[64] ?? 0) ^ 1
  for (const p256dh of [
    '',
    'not base64!',
    point.toString('base64url', 1),
    pair.getPublicKey('base64url', 'compressed'),
    pair.getPublicKey('base64url', 'hybrid'),
    off.toString('base64url'),
    Buffer.alloc(65, 4).toString('base64url'),
    Buffer.alloc(65).toString('base64url'),
    Buffer.concat([point, point]).toString('base64url'),
  ])
    t.equal(problemOf({ p256dh }), 'keys.p256dh', p256dh)
  for (const auth of [
    '',
    '====',
    'a b',
    randomBytes(15).toString('base64url'),
    randomBytes(17).toString('base64url'),
  ])
    t.equal(problemOf({ auth }), 'keys.auth', auth)
})
