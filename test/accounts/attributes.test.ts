import fc from 'fast-check'
import t from 'tap'
import type { Attributes, Json } from '../../src/account.js'
import { attributesProblem, patchAttributes, reservedAttributes } from '../../src/accounts/attributes.js'

const parse = (text: string) => JSON.parse(text) as Attributes
const nested = (depth: number): Json => (depth === 0 ? 'bottom' : { in: nested(depth - 1) })

t.test('what is refused, and why', async (t) => {
  const refused: [attributes: Attributes, problem: string][] = [
    [Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, i])), 'are too many (maximum is 64)'],
    [{ a: nested(5) }, 'are nested too deeply (maximum is 5 levels)'],
    [{ a: [[[[[]]]]] }, 'are nested too deeply (maximum is 5 levels)'],
    [
      parse(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
      'are nested too deeply (maximum is 5 levels)',
    ],
    [{ a: 'x'.repeat(8185) }, 'are too large (maximum is 8192 bytes)'],
    [{ a: 'é'.repeat(4093) }, 'are too large (maximum is 8192 bytes)'],
    [parse('{"__proto__":{"admin":true}}'), 'may not contain "__proto__"'],
    [parse('{"a":[{"b":{"constructor":1}}]}'), 'may not contain "constructor"'],
    [{ a: { prototype: null } }, 'may not contain "prototype"'],
    ...[...reservedAttributes].map((name): [Attributes, string] => [
      { [name]: 1 },
      `may not contain "${name}"`,
    ]),
  ]
  for (const [attributes, problem] of refused) t.equal(attributesProblem(attributes), problem)
})

t.test('what is accepted', async (t) => {
  const accepted: Attributes[] = [
    {},
    Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`k${i}`, i])),
    { a: nested(4) },
    { a: 'x'.repeat(8184) },
    {
      profile: { id: 1, roles: ['painter'], password: 'of a game' },
      '': null,
      toString: 1,
      hasOwnProperty: 2,
    },
  ]
  for (const attributes of accepted) t.equal(attributesProblem(attributes), undefined)
})

t.test('the examples of RFC 7396, appendix A, as far as they are objects', async (t) => {
  const examples = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ] as const
  for (const [before, patch, after] of examples)
    t.strictSame(patchAttributes(parse(before), parse(patch)), parse(after), `${before} with ${patch}`)
})

t.test('a patch is applied once however often it is applied, and no prototype is ever touched', async (t) => {
  const json = fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 })
  fc.assert(
    fc.property(json, json, (before, patch) => {
      const [attributes, change] = [before as Attributes, patch as Attributes]
      const once = patchAttributes(attributes, change)
      if (JSON.stringify(patchAttributes(once, change)) !== JSON.stringify(once)) return false
      return Object.getPrototypeOf(once) === Object.prototype && !('polluted' in {})
    }),
    { numRuns: 500 },
  )
  const hostile = patchAttributes(
    {},
    parse('{"__proto__":{"polluted":true},"a":{"__proto__":{"polluted":1}}}'),
  )
  t.equal('polluted' in {}, false)
  t.equal('polluted' in hostile, false)
})
