/** Where a path leads: behind the right door, or nowhere. */
import type { Test } from 'tap'
import { headerOf } from '../support/exchange.js'
import { ada } from '../support/service.js'
import { readAs } from './application.js'
import { arrivedIn, bearer, credentials, refused, type World } from './world.js'

/** An application, or what stands before it, may take each of these for `/admin/`. */
const ambiguous = `
  /api/.. /api/../ /api/../admin/ /api/./../admin/ /api/%2e%2e/admin/ /api/%2E%2e/admin/ /api/.%2e/admin/
  /api/..;/admin/ /api/..%2fadmin/ /api/..%2Fadmin/ /api/..%5cadmin/ /api/..\\admin/ /api//../admin/
  /api/%00/../admin/ /api//admin/ /api/a%2f..%2f /api/%2e/ //admin/ /%2e/admin/`
  .trim()
  .split(/\s+/)

export async function paths(t: Test, world: World, family: string): Promise<void> {
  const { service, users, ask } = world
  const headers = [bearer(users.fixed)]

  await t.test('paths that lead elsewhere for somebody else lead nowhere', async (t) => {
    for (const path of ambiguous)
      t.match((await refused(t, world, { path, headers })).status, / 40[034] /, path)
    for (const path of ['/', '/unknown/', '/_countersign/-', `/gateway/${family}/-`])
      t.match((await refused(t, world, { path, headers })).status, / 404 /, path)
    const fine = '/api/a%20b/.well-known/x..y/100%25/;v=1?u=http://x/../%2f%2e'
    t.equal(arrivedIn(t, await ask({ path: fine, headers })).url, fine)
  })

  await t.test('people sign in by the same door, and find nothing else of ours behind it', async (t) => {
    const body = JSON.stringify({ uid: ada.uid, password: ada.password })
    const from = ['Content-Type: application/json', 'X-Forwarded-For: 6.6.6.6']
    const answer = await ask({ method: 'POST', path: '/auth/sign_in', headers: from, body })
    t.match(answer.status, / 200 /)
    const authorization = `Bearer ${users.fixed}`
    const list = await service.app.inject({ url: '/token', headers: { authorization } })
    t.match(list.body, headerOf(answer, 'client'))
    t.notMatch(list.body, '6.6.6.6', "from where is the gateway's to say")
    const kept = credentials.slice(1).map((name) => `${name}: ${headerOf(answer, name)}`)
    const arrived = arrivedIn(t, await ask({ path: '/api/', headers: kept }))
    t.strictSame(readAs('x-auth-subject', arrived), [ada.uid])
    const admin = [bearer(users.admin)]
    for (const path of ['/accounts', '/events', '/openapi.json', '/readyz', '/auth/../accounts'])
      t.match((await ask({ path, headers: admin })).status, / 40[04] /, path)
  })
}
