/** How a service leaves its clients: told before it closes, and nobody who still asks is turned away. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import fastify from 'fastify'
import t from 'tap'
import { endConnections } from '../../src/http/closing.js'
import { connectionsOf } from '../../src/http/connections.js'
import { until } from '../support/redis-groups.js'
import { startService } from '../support/service.js'
import { timed } from '../support/timed.js'

t.test('while it drains, every answer ends its connection; before, none does', async (t) => {
  const { url, drain } = await startService(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  async function ask(path: string): Promise<[status: number | undefined, connection: string | undefined]> {
    const [answer] = (await once(request(url + path, { agent }).end(), 'response')) as [IncomingMessage]
    await once(answer.resume(), 'end')
    return [answer.statusCode, answer.headers.connection]
  }
  t.strictSame(await ask('/healthz'), [200, 'keep-alive'])
  drain()
  drain()
  t.strictSame(await ask('/healthz'), [200, 'close'])
  t.strictSame(await ask('/readyz'), [503, 'close'])
  t.strictSame(await ask('/gateway/nginx'), [401, 'close'])
  t.strictSame(await ask('/nowhere'), [404, 'close'])
})

t.test(
  'a request that arrives while it closes is answered, and its connection holds nothing up',
  async (t) => {
    const { app, port } = await startService(t)
    const arrived = once(app.server, 'connection')
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    await arrived
    const closed = app.close()
    await until('the port is closed', () => !app.server.listening)
    socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(socket, 'end')
    t.match(received, /^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close\r\n[\s\S]*\{"status":"ok"\}$/i)
    await closed
  },
)

t.test('a connection that was opened for later use holds nothing up', async (t) => {
  const { app, port } = await startService(t)
  const arrived = once(app.server, 'connection')
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  await arrived
  const [{ tookMs }] = await Promise.all([timed(() => app.close()), once(socket, 'close')])
  t.ok(tookMs < 2_000, `${tookMs} ms`)
})

t.test('nor does a request that does not come to its end, but for the time that one may take', async (t) => {
  const LATEST_MS = 1_000
  const app = fastify({ return503OnClosing: false }) // as ours is
  endConnections(app, connectionsOf(app.server), LATEST_MS)
  app.post('/', async ({ body }) => body)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n'
  async function send(text: string) {
    const arrived = once(app.server, 'connection')
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    t.teardown(() => socket.destroy())
    await arrived
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.write(text)
    return { socket, ended: once(socket, 'close').then(() => received) }
  }
  const [body, line, slow] = [await send(`${head}o`), await send('POST / HT'), await send(`${head}o`)]
  const closing = timed(() => app.close())
  await until('others would be gone', () => !app.server.listening)
  slow.socket.write('k')
  t.match(await slow.ended, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok$/)
  t.strictSame(await Promise.all([body.ended, line.ended]), ['', ''])
  const { tookMs, elapsedMs } = await closing
  t.ok(elapsedMs >= LATEST_MS && tookMs < LATEST_MS + 1_000, `${elapsedMs} ms`)
})
