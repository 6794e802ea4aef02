/** What Prometheus collects: for those who may see it, in its format, and true. */
import t from 'tap'
import { ada, startService } from '../support/service.js'

const password = 'a password for machines'
const basic = (uid: string, secret: string) => `Basic ${Buffer.from(`${uid}:${secret}`).toString('base64')}`

t.test('figures, for services and administrators', async (t) => {
  const service = await startService(t)
  await service.addAccount()
  await service.addAccount({ uid: 'prometheus', provider: 'local', password, roles: ['service'] })
  const collect = (authorization?: string) =>
    service.app.inject({ url: '/metrics', headers: authorization === undefined ? {} : { authorization } })
  t.equal((await collect()).statusCode, 401)
  t.equal((await collect(basic(ada.uid, ada.password))).statusCode, 403)

  async function figures(): Promise<Map<string, number>> {
    const { statusCode, headers, body } = await collect(basic('prometheus', password))
    t.equal(statusCode, 200)
    t.match(headers['content-type'], /^text\/plain; version=0\.0\.4/)
    const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      lines.map((line) => {
        const [, name = '', value = ''] = /^([a-z0-9_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? []
        t.ok(Number.isFinite(Number(value)) && name !== '', line)
        return [name, Number(value)]
      }),
    )
  }

  const before = await figures()
  const opened = await service.app.inject({
    method: 'POST',
    url: '/token',
    headers: { authorization: basic(ada.uid, ada.password) },
  })
  const bearer = { authorization: `Bearer ${opened.json().id}` }
  for (let i = 0; i < 5; i++) await service.app.inject({ url: '/gateway/nginx', headers: bearer })
  await service.app.inject({ url: '/gateway/nginx', headers: { authorization: 'Bearer cst_nonsense' } })
  const session = await service.signIn()
  await service.app.inject({ url: '/auth/validate_token', headers: session.headers })
  const after = await figures()
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)

  t.equal(grown('countersign_authentications_total{outcome="malformed"}'), 1)
  t.equal(grown('countersign_authentications_total{outcome="rotated"}'), 1)
  t.ok(grown('countersign_authentications_total{outcome="accepted"}') >= 6)
  t.equal(grown('countersign_near_cache_hits_total') + grown('countersign_near_cache_misses_total'), 7)
  t.equal(grown('countersign_events_total{type="session.opened"}'), 2)
  t.ok(grown('countersign_uses_noted_total') >= 6)
  t.equal(grown('countersign_password_hashes_total'), 0, 'these passwords were right a moment ago')
  t.ok((after.get('countersign_password_hashes_total') ?? 0) >= 2)
  t.ok((after.get('countersign_near_cache_entries') ?? 0) >= 1)
  for (const name of [
    'near_cache_leased',
    'near_cache_lease_losses_total',
    'near_cache_stale_refusals_total',
  ])
    t.ok(after.has(`countersign_${name}`), name)
  t.ok((after.get('process_resident_memory_bytes') ?? 0) > 1e6)
})
