import t from 'tap'
import { gatewayCases } from './cases.js'

t.test('HAProxy', async (t) =>
  gatewayCases(t, {
    program: { packageName: 'haproxy', program: 'usr/sbin/haproxy', about: '-vv', able: /Built with Lua/ },
    family: 'haproxy',
    example: ['haproxy/haproxy.cfg', 'haproxy/countersign.lua'],
    args: (file) => ['-db', '-f', file],
  }),
)
