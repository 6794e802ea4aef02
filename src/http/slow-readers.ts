/**
 * Ends connections whose client does not take what it has asked for. Node's own timeout would be set anew twice in every
 * request, which costs each of them more than verifying its token does; a look around now and then costs none anything.
 */
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

const LOOK_MS = 30_000

/**
 * Destroys those of `connections`, of `app.server`, that had an answer waiting at two looks and have taken none to its end in
 * between. Answers are one write each: what has been taken of a write, Node does not tell.
 */
export function endSlowReaders(
  app: FastifyInstance,
  connections: ReadonlySet<Socket>,
  lookMs = LOOK_MS,
): void {
  /** What each had taken by the last look, where something was waiting then. */
  let seen = new Map<Socket, number>()
  const timer = setInterval(() => {
    const waiting = new Map<Socket, number>()
    for (const socket of connections) {
      if (socket.writableLength === 0) continue
      const taken = socket.bytesWritten - socket.writableLength
      if (seen.get(socket) === taken) socket.destroy()
      else waiting.set(socket, taken)
    }
    seen = waiting
  }, lookMs)
  timer.unref()
  app.addHook('onClose', async () => clearInterval(timer))
}
