import fc from 'fast-check'
import t from 'tap'
import { canonicalName, isName, loginNames } from '../src/account.js'

t.test('canonical names', async (t) => {
  t.equal(canonicalName('  Jo@Example.ORG\n'), 'jo@example.org')
  t.equal(canonicalName('Zoe\u0308'), 'zo\u00eb', 'composed')
  t.equal(canonicalName('J\u030c'), '\u01f0', 'composed even where only lower case can be')
  const letter = fc.integer({ min: 0, max: 0x24f })
  const mark = fc.integer({ min: 0x300, max: 0x36f })
  const any = fc.integer({ min: 0, max: 0x10ffff })
  const text = fc.array(fc.oneof(letter, mark, any)).map((points) => String.fromCodePoint(...points))
  fc.assert(
    fc.property(text, (name) => {
      const canonical = canonicalName(name)
      return canonicalName(canonical) === canonical && canonicalName(name.normalize('NFD')) === canonical
    }),
    { numRuns: 2000 },
  )
})

t.test('what may be a name', async (t) => {
  for (const name of [
    'a',
    'jo@example.org',
    'Jo Smith',
    'github:1234',
    'Ünal',
    '山田',
    '  a  ',
    'x'.repeat(255),
  ])
    t.ok(isName(name), name)
  const refused = {
    empty: '',
    blank: ' \u3000 ',
    'too long': 'x'.repeat(256),
    'much too long': ' '.repeat(1e6),
    NUL: 'a\0b',
    'line feed': 'a\nb',
    delete: 'a\u007f',
    C1: 'a\u0085b',
    'zero width space': 'ad\u200bmin',
    'right-to-left override': 'a\u202eb',
    'line separator': 'a\u2028b',
    'lone surrogate': 'a\ud800',
  }
  for (const [what, name] of Object.entries(refused)) t.notOk(isName(name), what)
})

t.test('login names', async (t) => {
  const names = (uid: string, email?: string, username?: string | number) =>
    Object.fromEntries(loginNames({ uid, email, attributes: username === undefined ? {} : { username } }))
  t.strictSame(names('U1', 'Jo@X.org', 'Jo'), { u1: 'uid', 'jo@x.org': 'email', jo: 'username' })
  t.strictSame(names('jo@x.org', 'JO@x.org'), { 'jo@x.org': 'email' }, 'one name, not two')
  t.strictSame(names('jo', undefined, 'JO'), { jo: 'uid' })
  t.strictSame(names('u1', undefined, 'victim@x.org'), { u1: 'uid' }, 'nobody occupies an address')
  t.strictSame(names('u1', undefined, 7), { u1: 'uid' })
  t.strictSame(names('u1', undefined, 'a\0b'), { u1: 'uid' })
})
