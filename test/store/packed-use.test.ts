import t from 'tap'
import { packUse, parseUse, userAgentHash } from '../../src/store/packed-use.js'

const at = (seenAt: number, use: Buffer): Buffer => {
  const time = Buffer.alloc(6)
  time.writeUIntBE(seenAt, 0, 6)
  return Buffer.concat([time, use])
}
const roundTrip = (ip: string) => parseUse(at(7, packUse({ ip, userAgent: '' }))).ip

t.test('addresses', async (t) => {
  const spellings: Record<string, string | undefined> = {
    '192.0.2.7': '192.0.2.7',
    '0.0.0.0': '0.0.0.0',
    '255.255.255.255': '255.255.255.255',
    '::': '::',
    '::1': '::1',
    '1::': '1::',
    '2001:DB8::1': '2001:db8::1',
    '2001:0db8:0000:0000:0001:0000:0000:0001': '2001:db8::1:0:0:1',
    '1:2:3:4:5:6:7:8': '1:2:3:4:5:6:7:8',
    '64:ff9b::192.0.2.7': '64:ff9b::c000:207',
    '::ffff:192.0.2.7': '192.0.2.7',
    '::FFFF:c000:207': '192.0.2.7',
    'fe80::1%eth0': 'fe80::1',
    '': undefined,
    'example.com': undefined,
    '192.0.2.7.8': undefined,
    '192.0.2.256': undefined,
    unix: undefined,
  }
  for (const [spelling, ip] of Object.entries(spellings)) t.equal(roundTrip(spelling), ip, spelling)
  t.equal(packUse({ ip: '192.0.2.7', userAgent: '' }).length, 6 + 4)
  t.equal(packUse({ ip: '::ffff:192.0.2.7', userAgent: '' }).length, 6 + 4)
  t.equal(packUse({ ip: '2001:db8::1', userAgent: '' }).length, 6 + 16)
  t.equal(packUse(undefined).length, 6)
})

t.test('user agents by their hash, times to the millisecond', async (t) => {
  const seenAt = 1_800_000_000_123
  const use = parseUse(at(seenAt, packUse({ ip: '192.0.2.7', userAgent: 'curl/8.0' })))
  t.strictSame(use, { seenAt, ip: '192.0.2.7', userAgentHash: userAgentHash('curl/8.0') })
  t.match(userAgentHash('curl/8.0'), /^[A-Za-z0-9_-]{8}$/)
  t.not(userAgentHash('curl/8.0'), userAgentHash('curl/8.1'))
  t.equal(parseUse(at(seenAt, packUse({ ip: '192.0.2.7', userAgent: '' }))).userAgentHash, undefined)
  t.strictSame(parseUse(at(seenAt, packUse(undefined))), { seenAt, ip: undefined, userAgentHash: undefined })
})
