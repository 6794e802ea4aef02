import t from 'tap'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'
import { createSealer } from '../../src/token/sealed.js'

const [one, two] = [generateMasterKeys(), generateMasterKeys().replace('1:', '2:')]
const ringOf = (...keys: string[]) => parseMasterKeys(keys.join(','))
const PURPOSE = 'test 1'

t.test('opens what it has sealed, and only for the same purpose', async (t) => {
  const sealer = createSealer(ringOf(one), PURPOSE)
  for (const text of ['', 'secret', 'schlüssel 🔑', 'x'.repeat(100_000)]) {
    const sealed = sealer.seal(text)
    t.strictSame(sealer.open(sealed), { text, outdated: false })
    t.not(sealer.seal(text), sealed, 'every time with a nonce of its own')
  }
  const sealed = sealer.seal('secret')
  t.notMatch(sealed, 'secret')
  t.throws(() => createSealer(ringOf(one), 'test 2').open(sealed), /altered/)
})

t.test('survives the rotation of the master keys', async (t) => {
  const sealed = createSealer(ringOf(one), PURPOSE).seal('text')
  const turned = createSealer(ringOf(two, one), PURPOSE)
  t.strictSame(turned.open(sealed), { text: 'text', outdated: true })
  const resealed = turned.seal('text')
  t.strictSame(createSealer(ringOf(two), PURPOSE).open(resealed), { text: 'text', outdated: false })
  t.throws(() => createSealer(ringOf(one), PURPOSE).open(resealed), /sealed with master key 2; put/)
})

t.test('another key of the same id does not open it', async (t) => {
  const sealed = createSealer(ringOf(one), PURPOSE).seal('text')
  t.throws(() => createSealer(ringOf(generateMasterKeys()), PURPOSE).open(sealed), /altered/)
})

t.test('no byte of it can be changed, left out or added', async (t) => {
  const sealer = createSealer(ringOf(one, two), PURPOSE)
  const sealed = sealer.seal('a text')
  const [, body = ''] = sealed.split('.')
  const bytes = Buffer.from(body, 'base64url')
  for (const at of bytes.keys()) {
    const altered = Buffer.from(bytes)
    altered[at] = (altered[at] ?? 0) ^ 1
    t.throws(() => sealer.open(`1.${altered.toString('base64url')}`), /altered/, `byte ${at}`)
  }
  for (const length of bytes.keys())
    t.throws(() => sealer.open(`1.${bytes.subarray(0, length).toString('base64url')}`), `${length} bytes`)
  t.throws(() => sealer.open(`1.${Buffer.concat([bytes, bytes]).toString('base64url')}`), /altered/)
  t.throws(() => sealer.open(`2.${body}`), /altered/, 'under the name of another key')
  for (const text of ['', '.', '1.', 'x.y', '1', '{"keys":[]}'])
    t.throws(() => sealer.open(text), /not a sealed/)
})
