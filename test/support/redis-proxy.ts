/** A wire between a service and its Redis that can be cut at the worst moment: when Redis has done it, and says so. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { TestRedis } from './redis.js'

export interface RedisProxy {
  /** What `REDIS_URL` would be. */
  url: string
  /** Whatever Redis says next is lost, and its connection with it. */
  cutNextReply(): void
}

export async function startRedisProxy(t: Test, { dir, socket }: TestRedis): Promise<RedisProxy> {
  const open = new Set<Socket>()
  let cutting = false
  const server = createServer((service) => {
    const redis = connect(socket)
    const cut = (): void => {
      service.destroy()
      redis.destroy()
    }
    for (const end of [service, redis]) {
      open.add(end)
      end.on('error', cut).on('close', () => {
        open.delete(end)
        cut()
      })
    }
    service.pipe(redis)
    redis.on('data', (reply) => {
      if (!cutting) return service.write(reply)
      cutting = false
      cut()
    })
  })
  const path = join(dir, 'proxy.sock')
  await once(server.listen(path), 'listening')
  t.teardown(() => {
    server.close()
    for (const end of open) end.destroy()
  })
  return {
    url: `unix://${path}`,
    cutNextReply() {
      cutting = true
    },
  }
}
