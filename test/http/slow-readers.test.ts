import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { connectionsOf } from '../../src/http/connections.js'
import { endSlowReaders } from '../../src/http/slow-readers.js'

const LOOK_MS = 50
/** More than the buffers of two sockets. */
const BODY = Buffer.alloc(32 * 2 ** 20, 'x')
const PART = BODY.subarray(0, 2 ** 20)

async function serve(t: Test) {
  const app = fastify()
  endSlowReaders(app, connectionsOf(app.server), LOOK_MS)
  app.get('/', async () => BODY)
  app.get('/part', async () => PART)
  app.get('/small', async () => 'small')
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as { port: number } // it listens on a port
  const ask = (path: string) => {
    const socket = connect({ host: '127.0.0.1', port })
    t.teardown(() => socket.destroy())
    socket.on('error', () => {}) // that it ends is what is looked at
    socket.write(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`)
    return socket
  }
  return { app, ask }
}

t.test('a client that takes nothing of its answer is cut off', async (t) => {
  const { app, ask } = await serve(t)
  const [[theirs]] = await Promise.all([once(app.server, 'connection'), ask('/').pause()])
  await once(theirs, 'close')
  t.ok(theirs.destroyed)
})

t.test('a client that takes one answer after the other, slowly, gets them all', async (t) => {
  const { ask } = await serve(t)
  const answers = 24
  const socket = ask('/part')
  for (let i = 1; i < answers; i++) socket.write('GET /part HTTP/1.1\r\nhost: test\r\n\r\n')
  const startedAt = performance.now()
  let taken = 0
  for await (const chunk of socket) {
    taken += chunk.length
    await delay(1)
    if (taken > answers * PART.length) break
  }
  t.ok(performance.now() - startedAt > 3 * LOOK_MS, 'there were looks meanwhile')
})

t.test('a connection on which nothing waits may idle', async (t) => {
  const { app, ask } = await serve(t)
  const [[theirs]] = await Promise.all([once(app.server, 'connection'), ask('/small').resume()])
  await delay(5 * LOOK_MS)
  t.notOk(theirs.destroyed)
})
