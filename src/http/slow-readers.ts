/**
 * Ends connections whose client does not take what it has asked for. Node's own timeout would be set anew twice in every
 * request, which costs each of them more than verifying its token does; a look around now and then costs none anything.
 */
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

const LOOK_MS = 30_000

/**
 * Destroys sockets of `app` that had an answer waiting at two looks and have taken none to its end in between. Answers are
 * one write each: what has been taken of a write, Node does not tell.
 */
export function endSlowReaders(app: FastifyInstance, lookMs = LOOK_MS): void {
  /** What each has taken by the last look, if something was waiting then. */
  const seen = new Map<Socket, number | undefined>()
  app.server.on('connection', (socket) => {
    seen.set(socket, undefined)
    socket.once('close', () => seen.delete(socket))
  })
  const timer = setInterval(() => {
    for (const [socket, before] of seen) {
      const taken = socket.writableLength > 0 ? socket.bytesWritten - socket.writableLength : undefined
      if (taken !== undefined && taken === before) socket.destroy()
      else seen.set(socket, taken)
    }
  }, lookMs)
  timer.unref()
  app.addHook('onClose', async () => clearInterval(timer))
}
