import t from 'tap'
import { gatewayCases } from './cases.js'

t.test('Caddy', async (t) =>
  gatewayCases(t, {
    program: { packageName: 'caddy', program: 'usr/bin/caddy', about: 'version', able: /^v?2\./m },
    family: 'forward-auth',
    example: ['caddy/Caddyfile'],
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  }),
)
