/** Opens the port or the unix socket, and says in words why not when it cannot. */
import { rm } from 'node:fs/promises'
import { connect, Server } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Settings } from '../config.js'

/** Where clients on this machine reach the service. */
export interface Place {
  /** Base URL, without a slash at the end. */
  url: string
  /** Set when `url` is only good for the Host header, and this is what to connect to. */
  socketPath: string | undefined
}

/** @throws Error that names the variable to change */
export async function listen(
  app: FastifyInstance,
  { host, port, socketPath }: Pick<Settings, 'host' | 'port' | 'socketPath'>,
): Promise<Place> {
  try {
    if (socketPath !== undefined) {
      await app.listen({ path: socketPath })
      return { url: 'http://localhost', socketPath }
    }
    // For that name Fastify opens a server for each of its addresses; only the first would be told of draining and closing.
    await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const what =
      socketPath === undefined ? `PORT ${port} on HOST ${host}` : `COUNTERSIGN_SOCKET ${socketPath}`
    const why = reasons[code]
    throw why === undefined ? error : new Error(`${what} ${why}`, { cause: error })
  }
  const address = app.server.address()
  const actualPort = address !== null && typeof address === 'object' ? address.port : port
  const nearest = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host)
  return { url: `http://${nearest}:${actualPort}`, socketPath: undefined }
}

/** Takes no more connections. Closing an HTTP server would cut those that are idle, and may be about to carry a request. */
export function stopListening(app: FastifyInstance): void {
  Server.prototype.close.call(app.server)
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use. Stop what listens there, or choose another.',
  EADDRNOTAVAIL: 'is not an address of this machine. Choose another HOST.',
  ENOTFOUND: 'has a name that is not known. Choose another HOST.',
  EACCES: 'may not be opened by this user. Choose another; ports below 1024 need privileges.',
}

/** A killed service leaves its socket's file behind; nobody answers there, and a new one could not listen. */
export async function removeIfStale(socketPath: string): Promise<void> {
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(socketPath)
      .on('connect', () => resolve(true))
      .on('error', (error) => resolve(!('code' in error && error.code === 'ECONNREFUSED')))
    probe.unref()
    probe.on('connect', () => probe.destroy())
  })
  if (!answers) await rm(socketPath, { force: true })
}
