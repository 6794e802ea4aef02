/**
 * Preloaded (`node --import`) into every process that is measured, so that the service runs by its real entry point and
 * still tells what it has used. It also binds the process to the bench: when that is gone, however it went, so are we.
 */
import cluster from 'node:cluster'

export interface Usage {
  /** User and system time of all threads since the start, microseconds. */
  cpuMicros: number
  /** Resident set, bytes. */
  rssBytes: number
  /** Of the heap that is in use, garbage included. */
  heapBytes: number
}

// A worker has it from its primary, which it belongs to.
if (cluster.isPrimary) {
  process.on('message', (question) => {
    if (question !== 'usage') return
    const { user, system } = process.cpuUsage()
    const { rss: rssBytes, heapUsed: heapBytes } = process.memoryUsage()
    process.send?.({ cpuMicros: user + system, rssBytes, heapBytes } satisfies Usage)
  })
  process.on('disconnect', () => process.exit())
  process.channel?.unref()
}
