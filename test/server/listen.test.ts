import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import t from 'tap'
import { listen } from '../../src/server/listen.js'

for (const [host, shown, address] of [
  ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1', '0.0.0.0'],
  // A server for each of its addresses would be one that nobody tells of draining.
  ['localhost', 'localhost', '127.0.0.1'],
] as const)
  t.test(`HOST=${host}: one server, and the URL by which it is reached`, async (t) => {
    const app = fastify()
    t.teardown(() => app.close())
    const { url, socketPath } = await listen(app, { host, port: 0, socketPath: undefined })
    t.strictSame(
      (app.addresses() as AddressInfo[]).map((at) => [at.address, `http://${shown}:${at.port}`]), // no unix sockets
      [[address, url]],
    )
    t.equal(socketPath, undefined)
    t.equal((await fetch(url)).status, 404)
  })
