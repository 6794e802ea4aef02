/** What one script call can take of a pile of items: a bounded number and, on a Cluster, one tag, because its keys must share a slot. */
import { Cluster, type Redis } from 'ioredis'
import type { RedisClient } from './connect.js'

/**
 * Calls `send`, which must send at once, with the batches of `items`. On a Cluster those are many, and what goes to one master goes in
 * one write: a write each, and for Redis a read each, are a good part of what a call costs.
 *
 * @returns what it returned, in the order of the batches
 */
export function sendBatches<T extends { tag: string }, Sent>(
  redis: RedisClient,
  items: readonly T[],
  most: number,
  send: (batch: readonly T[]) => Sent,
): Sent[] {
  const sendAll = () => batches(items, most, redis.isCluster).map(send)
  return redis instanceof Cluster ? inOneWrite(redis.nodes('master'), sendAll) : sendAll()
}

function inOneWrite<Sent>(masters: readonly Redis[], sendAll: () => Sent): Sent {
  // Typed as always there, though it is not before the first connection.
  const streams = masters.flatMap(({ stream }) => stream ?? [])
  for (const stream of streams) stream.cork()
  try {
    return sendAll()
  } finally {
    for (const stream of streams) stream.uncork()
  }
}

/** @returns the items in their order, cut into calls of at most `most` */
export function batches<T extends { tag: string }>(
  items: readonly T[],
  most: number,
  isCluster: boolean,
): (readonly T[])[] {
  if (items.length === 0) return []
  const groups = isCluster ? byTag(items) : [items]
  return groups.flatMap((group) => (group.length <= most ? [group] : cut(group, most)))
}

function cut<T>(group: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(group.length / most) }, (_, i) =>
    group.slice(i * most, (i + 1) * most),
  )
}

function byTag<T extends { tag: string }>(items: readonly T[]): (readonly T[])[] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.tag)
    if (group === undefined) groups.set(item.tag, [item])
    else group.push(item)
  }
  return [...groups.values()]
}
