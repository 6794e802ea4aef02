/** Closes the connections to Redis, whatever they are doing. */
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Cluster, type Redis } from 'ioredis'

const QUIT_WITHIN_MS = 300

/** Lets commands in flight finish if they do so quickly. */
export async function close(client: Redis | Cluster): Promise<void> {
  const timer = new AbortController()
  const deadline = delay(QUIT_WITHIN_MS, undefined, { signal: timer.signal }).catch(() => {})
  await Promise.race([client.quit().catch(() => {}), deadline])
  timer.abort()
  disconnect(client)
}

/**
 * Closes the connections of `client` for good. A TLS handshake that is given up may fail twice, and ioredis listens once:
 * the second error would have no listener, and would end the process.
 */
export function disconnect(client: Redis | Cluster): void {
  const nodes = client instanceof Cluster ? client.nodes() : [client]
  // Before its first attempt to connect a client has none, whatever its type says.
  for (const { stream } of nodes as { stream?: Socket }[]) stream?.on('error', () => {})
  client.disconnect()
}
