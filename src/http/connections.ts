/** Which connections a server has: Node tells of each when it comes, and of none later. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** @returns those of `server` that are open, from now on */
export function connectionsOf(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return open
}
