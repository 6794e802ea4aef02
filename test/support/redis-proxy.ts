/**
 * A wire between a service and its Redis that can be cut at the worst moment: when Redis has done it, and says so. It can
 * also keep Redis' replies back, which shows what a service asks for without waiting for one.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { TestRedis } from './redis.js'

export interface RedisProxy {
  /** What `REDIS_URL` would be. */
  url: string
  /** The reply to the next request that has `text` in it is lost, and its connection with it. */
  cutReplyTo(text: string): void
  /** Replies wait from now on, until `enough` of what the service has sent since. */
  holdReplies(enough: (sent: string) => boolean): void
}

export async function startRedisProxy(t: Test, { dir, socket }: TestRedis): Promise<RedisProxy> {
  const open = new Set<Socket>()
  let fatal: string | undefined
  let held: { sent: string; enough: (sent: string) => boolean; replies: (() => void)[] } | undefined
  const server = createServer((service) => {
    const redis = connect(socket)
    let doomed = false
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
    service.on('data', (request) => {
      redis.write(request)
      if (fatal !== undefined && request.includes(fatal)) {
        fatal = undefined
        doomed = true
      }
      if (held === undefined) return
      held.sent += request.toString('latin1')
      if (!held.enough(held.sent)) return
      for (const reply of held.replies) reply()
      held = undefined
    })
    redis.on('data', (reply) => {
      if (held !== undefined) held.replies.push(() => service.write(reply))
      else if (doomed) cut()
      else service.write(reply)
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
    cutReplyTo(text) {
      fatal = text
    },
    holdReplies(enough) {
      held = { sent: '', enough, replies: [] }
    },
  }
}
