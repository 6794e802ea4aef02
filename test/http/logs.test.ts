/** Whatever fails, and wherever the credential stood: the log does not repeat it, not at trace level either. */
import t from 'tap'
import { type Fields, format, sources } from '../support/bad-requests.js'
import { sendRaw } from '../support/exchange.js'
import { ada, startService } from '../support/service.js'

/** What is wrong with a request, as what it changes of one that is right. */
const failures: Record<string, { method?: string; path?: string; headers?: string[]; body?: string }> = {
  'an unknown path': { path: '/auth/nothing' },
  'an unknown path of nobody': { path: '/nothing' },
  'a path that is none': { path: '/auth/%zz' },
  'a wrong verb': { method: 'POST' },
  'a body that is no JSON': { headers: ['Content-Type: application/json'], body: '{' },
  'a body of another type': { headers: ['Content-Type: text/xml'], body: '<a/>' },
  'a body that is too large': {
    headers: ['Content-Type: application/json', 'Content-Length: 99999'],
    body: '{',
  },
  'a header that is none': { headers: ['no header'] },
  'no failure at all': {},
}

t.test('what fails is not repeated', async (t) => {
  const service = await startService(t, { env: { COUNTERSIGN_SIGN_UP: 'open' } })
  await service.addAccount()
  const { headers, token } = await service.signIn()
  service.secrets.guard(token)
  const credential: Fields = { ...headers, password: ada.password, email: ada.email }

  const ask = async () => {
    for (const source of ['header', 'query', 'bearer'])
      for (const change of Object.values(failures)) {
        const { path = '', ...place } = sources[source]?.(credential) ?? {}
        const query = path.slice(path.indexOf('?')).slice(path.includes('?') ? 0 : path.length)
        const request = {
          method: change.method ?? 'GET',
          path: (change.path ?? '/auth/validate_token') + query,
          headers: [...(place.headers ?? []), ...(change.headers ?? [])],
          body: change.body ?? '',
        }
        t.match(await sendRaw(service.port, format(request)), /^HTTP\/1\.1 \d{3} /)
      }
    for (const source of ['form', 'json']) {
      const request = { ...sources[source]?.(credential), method: 'POST' }
      for (const path of ['/auth/sign_in', '/auth', '/auth/nothing'])
        t.match(await sendRaw(service.port, format({ ...request, path })), /^HTTP\/1\.1 \d{3} /)
    }
  }
  await ask()
  await service.redis.kill()
  await ask()
  const text = service.secrets.lines.join('')
  for (const secret of [token, ada.password, encodeURIComponent(ada.password)])
    t.notOk(text.includes(secret), 'found by plain search, too')
})
