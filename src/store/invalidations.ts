/**
 * Hears of every revocation, on all instances, and knows how sure it may be that it heard them all.
 *
 * One connection per master redirects client tracking **to itself** (`CLIENT TRACKING ON REDIRECT <own id> BCAST PREFIX
 * cs:rv:`, then `SUBSCRIBE __redis__:invalidate`), so the stream has one lifetime: with a second connection behind it,
 * the stream goes silently stale when that one dies. It speaks RESP2, because ioredis drops RESP3's invalidation pushes.
 * The tombstones are the only tracked prefix: traffic on the stream is the number of revocations, not of requests.
 *
 * *Lease.* A cached accept is allowed at the local monotonic time L only if L − base ≤ B, B being one second. The
 * heartbeat pings with one ping outstanding, and on PONG k sets base to the moment when ping **k−1** was sent: Redis
 * queues invalidations after the commands of an event-loop turn and writes replies after that, so a PONG can overtake
 * messages of its own turn, never those of an earlier one, and ping k−1 was in an earlier turn.
 *
 * *Claim.* A revocation that Redis executes at ρ is not followed by a cached accept after ρ + B. *Proof.* Let one happen
 * at L > ρ + B. Then base ≥ L − B > ρ, so the ping behind `base` was sent after ρ and processed after the revocation; its
 * place in the stream implies that the invalidation was delivered before the PONG of the ping after it; handlers are
 * synchronous, so the handle was denied by then. Contradiction. Nothing is assumed of networks, stalls or clocks. ∎
 *
 * When a connection closes, base is −∞ at once. Whoever keeps something must drop it all when `generation` changes.
 */
import { Cluster, Redis } from 'ioredis'
import type { RedisClient } from './connect.js'
import { disconnect } from './disconnect.js'
import { tombstonePrefix } from './keys.js'

export interface Invalidations {
  /** Whether everything that was revoked up to a second before `now`, monotonic ms, has been heard of, on every master. */
  hasLease(now: number): boolean
  /** Changes whenever messages may have been missed. */
  readonly generation: number
  /** For metrics: how often a lease ran out or a stream broke. */
  readonly losses: number
  close(): void
}

export interface InvalidationOptions {
  redis: RedisClient
  /** Called with what follows `cs:rv:` in the key of a tombstone; undefined: anything may have changed (FLUSHALL). */
  onInvalidated(suffix: string | undefined): void
  leaseMs?: number
  heartbeatMs?: number
}

const CHANNEL = '__redis__:invalidate'
const LEASE_MS = 1_000
const HEARTBEAT_MS = 100

/** One master's stream. */
interface Link {
  /** Monotonic ms up to which everything was heard; −∞ while the stream is down. */
  base: number
  close(): void
}

/** Opens the streams. They come up, and come back, by themselves; until then there is no lease. */
export function openInvalidations(options: InvalidationOptions): Invalidations {
  const { redis, onInvalidated, leaseMs = LEASE_MS, heartbeatMs = HEARTBEAT_MS } = options
  const links = new Map<string, Link>()
  let generation = 0
  let losses = 0
  let held = false
  /** Monotonic ms up to which everything was heard, of every master: kept, because each verification asks. */
  let base = Number.NEGATIVE_INFINITY

  const onMoved = (): void => {
    base =
      links.size === 0 ? Number.NEGATIVE_INFINITY : Math.min(...[...links.values()].map((link) => link.base))
  }

  const broke = (): void => {
    generation += 1
    losses += 1
  }

  function follow(): void {
    const masters = redis instanceof Cluster ? redis.nodes('master') : [redis]
    const names = new Set(masters.map(nameOf))
    for (const [name, link] of links)
      if (!names.has(name)) {
        link.close()
        links.delete(name)
        broke()
      }
    for (const master of masters) {
      if (links.has(nameOf(master))) continue
      links.set(nameOf(master), openLink(master, { onInvalidated, onBroken: broke, onMoved, heartbeatMs }))
      generation += 1
    }
    onMoved()
  }

  follow()
  if (redis instanceof Cluster) {
    redis.on('+node', follow)
    redis.on('-node', follow)
  }

  return {
    hasLease(now) {
      const holds = base >= now - leaseMs
      if (held && !holds) losses += 1
      held = holds
      return holds
    },
    get generation() {
      return generation
    },
    get losses() {
      return losses
    },
    close() {
      if (redis instanceof Cluster) {
        redis.off('+node', follow)
        redis.off('-node', follow)
      }
      for (const link of links.values()) link.close()
      links.clear()
      onMoved()
    },
  }
}

const nameOf = ({ options: { host, port, path } }: Redis): string => path ?? `${host}:${port}`

interface LinkOptions {
  onInvalidated(suffix: string | undefined): void
  onBroken(): void
  /** Called whenever `base` has changed. */
  onMoved(): void
  heartbeatMs: number
}

function openLink(master: Redis, { onInvalidated, onBroken, onMoved, heartbeatMs }: LinkOptions): Link {
  const stream = new Redis({
    ...master.options,
    replyMapping: 'legacy',
    protocol: 2,
    autoResubscribe: false,
    lazyConnect: false, // as those of a cluster's nodes say
    enableReadyCheck: true,
    connectionName: 'countersign-invalidations',
    retryStrategy: (times: number) => Math.min(50 * times, 250),
  })
  const link: Link = {
    base: Number.NEGATIVE_INFINITY,
    close() {
      clearTimeout(timer)
      link.base = Number.NEGATIVE_INFINITY
      disconnect(stream)
    },
  }
  let timer: NodeJS.Timeout | undefined

  async function arm(): Promise<void> {
    const id = await stream.client('ID')
    await stream.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', tombstonePrefix)
    await stream.subscribe(CHANNEL)
    beat(Number.NEGATIVE_INFINITY)
  }

  /**
   * One ping outstanding at a time. While it is, base stays where it is, and the lease runs out. A late answer is one: a ping
   * ends with its answer or with the connection.
   */
  function beat(sentBefore: number): void {
    const sentAt = performance.now()
    stream.ping().then(
      () => {
        link.base = sentBefore
        onMoved()
        timer = setTimeout(beat, heartbeatMs, sentAt).unref()
      },
      () => undefined, // the connection is gone, and `close` says so
    )
  }

  stream.on('ready', () => {
    onBroken()
    arm().catch(() => stream.disconnect(true))
  })
  stream.on('close', () => {
    clearTimeout(timer)
    link.base = Number.NEGATIVE_INFINITY
    onMoved()
    onBroken()
  })
  // The connection that carries the commands says what is wrong; this one only tries again.
  stream.on('error', () => undefined)
  stream.on('messageBuffer', (_channel, message: Buffer | readonly Buffer[] | null) => {
    if (message === null) return onInvalidated(undefined)
    for (const key of [message].flat()) onInvalidated(key.toString().slice(tombstonePrefix.length))
  })
  return link
}
