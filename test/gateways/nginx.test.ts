import t from 'tap'
import { readAs } from './application.js'
import { gatewayCases } from './cases.js'
import { type Gateway, openWorld } from './gateway.js'
import { arrivedIn, bearer, refused } from './world.js'

/** The folders that nginx has built in are those of an installation. */
function keepToFolder(text: string, dir: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const folders = kinds.map((kind) => `${kind}_temp_path ${dir}/${kind};`)
  return text.replace('http {', `http { access_log off; ${folders.join(' ')}`)
}

const nginx: Gateway = {
  program: {
    packageName: 'nginx',
    program: 'usr/sbin/nginx',
    about: '-V',
    able: /--with-http_auth_request_module/,
  },
  family: 'nginx',
  example: ['nginx/nginx.conf'],
  adapt: keepToFolder,
  args: (file) => [
    ...['-p', '.', '-e', 'stderr', '-c', file],
    ...['-g', 'daemon off; master_process off; pid nginx.pid;'],
  ],
}

/** What somebody might do who wants fewer questions: the default key of nginx's cache does not know who asks. */
const caching: Gateway = {
  ...nginx,
  adapt: (text, dir) =>
    keepToFolder(text, dir)
      .replace('http {', `http { proxy_cache_path ${dir}/cache keys_zone=answers:1m;`)
      .replace(/proxy_cache +off;/, 'proxy_cache answers; proxy_cache_valid any 1m;'),
}

t.test('nginx', async (t) => gatewayCases(t, nginx))

t.test('nginx with a cache of answers: what one may do is never what another may', async (t) => {
  const world = await openWorld(t, caching)
  if (world === undefined) return
  const { users, wire, ask } = world
  for (let round = 1; round <= 3; round++) {
    const before = wire.asked().length
    for (const [token, subject] of [
      [users.fixed, 'ada@example.com'],
      [users.admin, 'root'],
      [users.jwt, 'ada@example.com'],
    ] as const) {
      const arrived = arrivedIn(t, await ask({ path: '/api/', headers: [bearer(token)] }))
      t.strictSame(readAs('x-auth-subject', arrived), [subject])
    }
    for (const headers of [[], [bearer(users.revoked)]])
      t.match((await refused(t, world, { path: '/api/', headers })).status, / 401 /)
    t.equal(wire.asked().length - before, 5, 'asked each time')
  }
})
