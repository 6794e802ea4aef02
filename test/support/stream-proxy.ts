/**
 * A wire between a service and its Redis whose connections can fail one sort at a time: the stream on which the service
 * hears of revocations, and the one that carries its commands.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { TestRedis } from './redis.js'

/**
 * `black-holed`: nothing passes, in either direction, and nobody is told. `half-open`: Redis hears the service and not
 * the reverse. `killed`: the connections are reset.
 */
export type StreamFault = 'killed' | 'black-holed' | 'half-open'

export interface StreamProxy {
  /** What `REDIS_URL` would be. */
  url: string
  /** Breaks the streams that are open; with `killed`, and until `heal`, new ones too. */
  breakStreams(fault: StreamFault): void
  /** Holds what Redis says on the command connections, until the returned function is called. */
  holdReplies(): () => void
  /** New connections are sound; those that are broken stay so. */
  heal(): void
}

interface Wire {
  service: Socket
  redis: Socket
  isStream: boolean
  fault: StreamFault | undefined
}

export async function startStreamProxy(
  t: Test,
  { dir, socket }: TestRedis,
  name: string,
): Promise<StreamProxy> {
  const wires = new Set<Wire>()
  let faultOfNew: StreamFault | undefined
  let held: (() => void)[] | undefined

  const server = createServer((service) => {
    const wire: Wire = { service, redis: connect(socket), isStream: false, fault: undefined }
    const { redis } = wire
    wires.add(wire)
    const cut = (): void => {
      wires.delete(wire)
      service.destroy()
      redis.destroy()
    }
    for (const end of [service, redis]) end.on('error', cut).on('close', cut)
    service.on('data', (bytes) => {
      if (bytes.includes('TRACKING')) {
        wire.isStream = true
        if (faultOfNew !== undefined) strike(wire, faultOfNew)
      }
      if (wire.fault !== 'black-holed') redis.write(bytes)
    })
    redis.on('data', (bytes) => {
      if (wire.fault !== undefined) return
      if (held !== undefined && !wire.isStream) held.push(() => service.write(bytes))
      else service.write(bytes)
    })
  })

  function strike(wire: Wire, fault: StreamFault): void {
    wire.fault = fault
    if (fault !== 'killed') return
    wire.service.destroy()
    wire.redis.destroy()
  }

  const path = join(dir, `${name}.sock`)
  await once(server.listen(path), 'listening')
  t.teardown(() => {
    server.close()
    for (const { service, redis } of wires) for (const end of [service, redis]) end.destroy()
  })
  return {
    url: `unix://${path}`,
    breakStreams(fault) {
      faultOfNew = fault
      for (const wire of wires) if (wire.isStream) strike(wire, fault)
    },
    holdReplies() {
      held = []
      return () => {
        for (const pass of held ?? []) pass()
        held = undefined
      }
    },
    heal() {
      faultOfNew = undefined
    },
  }
}
