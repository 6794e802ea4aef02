/** How a service leaves its clients: told before it closes, and nobody who still asks is turned away. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { until } from '../support/redis-groups.js'
import { startService } from '../support/service.js'

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
