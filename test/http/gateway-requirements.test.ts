import t from 'tap'
import { parseRequirements } from '../../src/http/gateway/requirements.js'

const nothing = { scopes: [], roles: [], rotate: false, preflight: false }

t.test('what a location asks for', async (t) => {
  t.strictSame(parseRequirements('-'), nothing)
  t.strictSame(parseRequirements(''), nothing)
  t.strictSame(parseRequirements('rotate'), { ...nothing, rotate: true })
  t.strictSame(parseRequirements('preflight;rotate'), { ...nothing, rotate: true, preflight: true })
  t.strictSame(parseRequirements('scopes=read,write:all;roles=admin'), {
    ...nothing,
    scopes: ['read', 'write:all'],
    roles: ['admin'],
  })
})

t.test('what is not understood is never ignored', async (t) => {
  for (const segment of [
    ...[
      'role=admin',
      'roles',
      'roles=',
      'roles=a,',
      'roles=,a',
      'roles=a b',
      'roles="a"',
      'roles=a=b',
      'ROLES=a',
    ],
    ...[
      'rotate=1',
      'rotate=',
      ';',
      'rotate;',
      ';rotate',
      '-;rotate',
      'rotate;-',
      ' rotate',
      'scopes=a\\b',
      'scopes=ä',
    ],
    ...['roles=a;roles=b', 'scopes=a;rotate;scopes=b', 'rotate;rotate', '__proto__', 'constructor=a'],
  ])
    t.equal(parseRequirements(segment), undefined, segment)
})
