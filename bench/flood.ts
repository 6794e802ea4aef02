/**
 * A load that costs little to make: bytes that were built before, over plain sockets, of whose answers only the status is read.
 * Where the load generator shares the cores with what it loads, the service has to be what there is too little of.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const STATUS = 'HTTP/1.1 '
const GOOD = '200'

/**
 * Sends `count` of `requests`, drawn anew each time: on each of `connections` one after the other.
 *
 * @returns how long it took, ms
 * @throws Error with the first answer that is not a 200, or when a connection ends
 */
export async function flood(
  url: string,
  requests: readonly Buffer[],
  { connections, count, signal }: { connections: number; count: number; signal: AbortSignal },
): Promise<number> {
  const { hostname, port } = new URL(url)
  const sockets = Array.from({ length: connections }, () => connect(Number(port), hostname).setNoDelay())
  const end = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  signal.addEventListener('abort', end)
  let left = count
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const startedAt = performance.now()
    await Promise.all(sockets.map(talk))
    return performance.now() - startedAt
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }

  function talk(socket: Socket): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = (): void => {
        left -= 1
        const drawn = requests[Math.floor(Math.random() * requests.length)] as Buffer // never empty
        if (left >= 0) socket.write(drawn)
        else resolve()
      }
      socket.on('error', reject).on('close', () => reject(new Error('a connection was closed')))
      // One small answer to one request comes in one piece.
      socket.on('data', (chunk) => {
        const head = chunk.toString('latin1', 0, STATUS.length + GOOD.length)
        if (head === STATUS + GOOD) next()
        else reject(new Error(chunk.toString('latin1', 0, 200)))
      })
      next()
    })
  }
}
