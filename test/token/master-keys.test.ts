import { randomBytes } from 'node:crypto'
import t from 'tap'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'

const key = (): string => randomBytes(32).toString('base64url')

t.test('a generated ring is one key that can be read', async (t) => {
  const text = generateMasterKeys()
  t.match(text, /^1:[A-Za-z0-9_-]{43}$/)
  const ring = parseMasterKeys(text)
  t.equal(ring.currentId, 1)
  t.equal(ring.byId.get(1)?.toString('base64url'), text.slice(2))
  t.not(generateMasterKeys(), text)
})

t.test('the first key is current, whatever its id', async (t) => {
  const [a, b, c] = [key(), key(), key()]
  const ring = parseMasterKeys(` 7:${a} , 255:${b}=,0:${c} `)
  t.equal(ring.currentId, 7)
  t.strictSame(
    [...ring.byId].map(([id, bytes]) => [id, bytes.toString('base64url')]),
    [
      [7, a],
      [255, b],
      [0, c],
    ],
  )
})

t.test('a bad ring is refused by position, and its content never shown', async (t) => {
  const good = key()
  const short = randomBytes(31).toString('base64url')
  const long = randomBytes(33).toString('base64url')
  const bad: [name: string, ring: string, says: RegExp][] = [
    ['empty', '', /key 1 of 1 must look like id:key/],
    ['no id', good, /key 1 of 1 must look like/],
    ['id too large', `256:${good}`, /key 1 of 1 must look like/],
    ['negative id', `-1:${good}`, /key 1 of 1 must look like/],
    ['id as hexadecimal', `0x1:${good}`, /key 1 of 1 must look like/],
    ['no key', '1:', /key 1 of 1 must look like/],
    ['other alphabet', `1:${good.slice(1)}+`, /key 1 of 1 must look like/],
    ['a space in it', `1: ${good}`, /key 1 of 1 must look like/],
    ['trailing comma', `1:${good},`, /key 2 of 2 must look like/],
    ['too short', `1:${good},2:${short}`, /key 2 of 2 must be 32 bytes, not 31/],
    ['too long', `1:${long}`, /key 1 of 1 must be 32 bytes, not 33/],
    ['zeros', `1:${Buffer.alloc(32).toString('base64url')}`, /key 1 of 1 is not random/],
    ['a repeated pattern', `1:${Buffer.alloc(32, 'abcd').toString('base64url')}`, /key 1 of 1 is not random/],
    ['the same id twice', `1:${good},1:${key()}`, /key 2 of 2 repeats the id 1/],
  ]
  for (const [name, ring, says] of bad) {
    try {
      parseMasterKeys(ring)
      t.fail(`${name} was accepted`)
    } catch (error) {
      const { message } = error as Error
      t.match(message, says, name)
      const secrets = ring.split(/[,:]/).filter((part) => part.length > 8)
      t.notOk(
        secrets.some((secret) => message.includes(secret.trim())),
        `${name}: no secret in the message`,
      )
    }
  }
})
