import fc from 'fast-check'
import t from 'tap'
import { publicAddress } from '../../src/geo/address.js'

t.test('every spelling of an address is one address', async (t) => {
  const v4 = { ip: '81.2.69.142', type: 'ipv4' }
  for (const text of [
    '81.2.69.142',
    '::ffff:81.2.69.142',
    '::FFFF:81.2.69.142',
    '::ffff:5102:458e',
    '::FfFf:5102:458E',
    '0:0:0:0:0:ffff:5102:458e',
    '0:0:0:0:0:FFFF:81.2.69.142',
    '0000:0000:0000:0000:0000:ffff:5102:458e',
    '0::ffff:81.2.69.142',
    '::ffff:81.2.69.142%eth0',
  ])
    t.strictSame(publicAddress(text), v4, text)

  const v6 = { ip: '2a00:1450:4001::1', type: 'ipv6' }
  for (const text of [
    '2a00:1450:4001::1',
    '2A00:1450:4001:0:0:0:0:1',
    '2a00:1450:4001:0000:0000:0000:0000:0001',
    '2a00:1450:4001::0.0.0.1',
    '2a00:1450:4001::1%eth0',
    '2a00:1450:4001::1%25',
  ])
    t.strictSame(publicAddress(text), v6, text)
})

t.test('what is nowhere is undefined', async (t) => {
  const nowhere = `0.0.0.0 0.255.255.255 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255
    169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255
    198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::81.2.69.142 ::ffff:10.0.0.1 ::ffff:a00:1 ::ffff:0:0 ::ffff:127.0.0.1 64:ff9b::5102:458e 64:ff9b:1::1 100::1
    2001::1 2001:20::1 2001:1ff:ffff::1 2001:db8::1 2001:db8:ffff::1 2002:5102:458e::1 3fff::1 3fff:fff::1
    4000::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1`
  for (const text of nowhere.split(/\s+/)) t.equal(publicAddress(text), undefined, text)
  const somewhere = `1.0.0.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.1
    192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2001:200::1 2001:db7::1 2001:db9::1 2003::1
    2400::1 3ffe:ffff::1 3fff:1000::1`
  for (const text of somewhere.split(/\s+/)) t.equal(publicAddress(text)?.ip, text, text)
})

t.test('what is no address is undefined, and nothing throws', async (t) => {
  const garbage = [
    '',
    ' ',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.4 ',
    '256.1.1.1',
    '0x7f.1',
    '2130706433',
    '1.2.3.4:80',
  ]
  garbage.push(
    '[2a00::1]',
    '2a00::1::2',
    '2a00',
    ':',
    '::ffff:1.2.3',
    '::ffff:256.1.1.1',
    '2a00::1%',
    '%',
    '1.2.3.4%eth0',
  )
  garbage.push(
    '1.2.3.4/8',
    '2a00::/16',
    'localhost',
    'unknown',
    '_hidden',
    '１.2.3.4',
    '1.2.3.4\0',
    '1.2.3.4, 5.6.7.8',
  )
  for (const text of garbage) t.equal(publicAddress(text), undefined, JSON.stringify(text))
  const anything = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6())
  t.doesNotThrow(() => fc.assert(fc.property(anything, (text) => void publicAddress(text))))
})
