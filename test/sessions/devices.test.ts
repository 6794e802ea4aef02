import t from 'tap'
import { createDeviceReader, deviceInWords } from '../../src/sessions/devices.js'

const deviceOf = createDeviceReader()
const unknown = { type: undefined, os: undefined, browser: undefined }

t.test('browsers, by names that an update does not change', async (t) => {
  for (const [type, os, browser, userAgent] of [
    [
      'desktop',
      'Windows',
      'Microsoft Edge',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0',
    ],
    [
      'mobile',
      'iOS',
      'Safari',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1',
    ],
    [
      'tablet',
      'iOS',
      'Safari',
      'Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1',
    ],
    ['desktop', 'Linux', 'Firefox', 'Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0'],
    [
      'bot',
      undefined,
      'Googlebot',
      'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    ],
  ] as const)
    t.strictSame(deviceOf(userAgent), { type, os, browser })
})

t.test('what is no browser is unknown', async (t) => {
  for (const userAgent of [
    '',
    ' ',
    'x',
    'curl/8.1.2',
    'okhttp/4.9.3',
    'Mozilla/5.0',
    '\u00e9\u0000',
    '('.repeat(512),
  ])
    t.strictSame(deviceOf(userAgent), unknown, userAgent)
})

t.test('each is read once', async (t) => {
  const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/116.0'
  t.equal(deviceOf(userAgent), deviceOf(userAgent))
  t.ok(Object.isFrozen(deviceOf(userAgent)))
})

t.test('in words', async (t) => {
  for (const [device, words] of [
    [{ ...unknown, type: 'desktop', os: 'Linux', browser: 'Firefox' }, 'Firefox on Linux'],
    [{ ...unknown, type: 'tablet', os: 'iOS' }, 'tablet on iOS'],
    [{ ...unknown, type: 'bot', browser: 'Googlebot' }, 'Googlebot'],
    [{ ...unknown, os: 'Android' }, 'Android'],
    [unknown, 'an unknown device'],
  ] as const)
    t.equal(deviceInWords(device), words)
})
