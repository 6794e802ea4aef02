/**
 * `GET /metrics`: what Prometheus collects, in its text format. Everything is counted where it happens, in plain
 * numbers, and read only when somebody asks; how long requests take is measured by the gateway in front.
 */
import type { FastifyPluginAsync } from 'fastify'
import {
  type Aggregator,
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Registry,
} from 'prom-client'
import { Type } from '../typebox.js'

/** Where the figures are; all of them grow from the start of the process, but for `entries`, `waiting` and `leased`. */
export interface Measured {
  /** By outcome: `accepted`, `rotated`, or why it was refused. */
  authentications(): ReadonlyMap<string, number>
  /** Of the audit trail, by type. */
  events(): ReadonlyMap<string, number>
  nearCache(): {
    hits: number
    misses: number
    refusedStale: number
    leaseLosses: number
    entries: number
    leased: boolean
  }
  activity(): { noted: number; dropped: number; waiting: number }
  passwords(): { hashes: number; remembered: number; running: number; waiting: number }
  pushes(): { delivered: number; gone: number; failed: number; dropped: number; waiting: number }
}

const metricsSchema = {
  tags: ['operations'],
  summary: 'Figures for Prometheus',
  produces: ['text/plain'],
  response: { 200: { ...Type.String(), description: 'In the text format of Prometheus' } },
}

/** What one process has counted, as data that can be sent to another. */
export type Figures = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** Asks every process that shares the port for its figures; those that have ended have left theirs. */
export type Gather = () => Promise<Figures[]>

export interface Metrics extends Pick<Registry, 'contentType'> {
  /** In the text format, of all processes. */
  metrics(): Promise<string>
  /** Of this process alone. */
  figures(): Promise<Figures>
}

/** Figures of several processes as one: sums, unless a metric says otherwise of itself. */
export const merge = (figures: Figures[]): Registry => AggregatorRegistry.aggregate(figures)

/** @returns the route as a plugin; register it in a guarded scope */
export function metricsRoutes(registry: Metrics): FastifyPluginAsync {
  return async (scope) => {
    scope.get('', { schema: metricsSchema }, async (_request, reply) => {
      reply.header('content-type', registry.contentType)
      return reply.send(await registry.metrics())
    })
  }
}

/**
 * Makes the metrics of one service, those of its process among them.
 *
 * @param gather for a process that is one of several: who collects twice may be answered by two of them
 */
export function createMetrics(measured: Measured, gather?: Gather): Metrics {
  const register = new Registry()
  collectDefaultMetrics({ register })
  const registers = [register]

  const counter = (name: string, help: string, count: () => number) =>
    new Counter({
      ...{ name: `countersign_${name}_total`, help, registers },
      collect() {
        this.reset()
        this.inc(count())
      },
    })
  const counters = (name: string, label: string, help: string, counts: () => Iterable<[string, number]>) =>
    new Counter({
      ...{ name: `countersign_${name}_total`, help, registers, labelNames: [label] },
      collect() {
        this.reset()
        for (const [value, count] of counts()) this.inc({ [label]: value }, count)
      },
    })
  const gauge = (name: string, help: string, value: () => number, aggregator: Aggregator = 'sum') =>
    new Gauge({
      ...{ name: `countersign_${name}`, help, registers, aggregator },
      collect() {
        this.set(value())
      },
    })

  const { authentications, events, nearCache, activity, passwords, pushes } = measured
  counters('authentications', 'outcome', 'Credentials judged, by outcome', authentications)
  counters('events', 'type', 'Entries of the audit trail that this process made, by type', events)
  counter('near_cache_hits', 'Verifications answered from memory', () => nearCache().hits)
  counter('near_cache_misses', 'Verifications that memory could not answer', () => nearCache().misses)
  counter(
    'near_cache_stale_refusals',
    'Answers in memory that a revocation or change had overruled',
    () => nearCache().refusedStale,
  )
  counter(
    'near_cache_lease_losses',
    'Times that the stream of revocations broke or fell silent',
    () => nearCache().leaseLosses,
  )
  gauge('near_cache_entries', 'Answers in memory', () => nearCache().entries)
  gauge(
    'near_cache_leased',
    'Whether memory may answer: 1 while revocations are heard',
    () => Number(nearCache().leased),
    'min',
  )
  counter('uses_noted', 'Uses of sessions noted', () => activity().noted)
  counter('uses_dropped', 'Notes of uses dropped: too many waited', () => activity().dropped)
  gauge('uses_waiting', 'Notes of uses to be written', () => activity().waiting)
  counter('password_hashes', 'Passwords hashed', () => passwords().hashes)
  gauge('password_hashes_running', 'Passwords being hashed', () => passwords().running)
  gauge(
    'password_hashes_waiting',
    'Passwords to be hashed; when too many wait, sign-ins are answered 503',
    () => passwords().waiting,
  )
  counters('push_messages', 'outcome', 'Push messages, by outcome', () => {
    const { waiting: _, ...outcomes } = pushes()
    return Object.entries(outcomes)
  })
  gauge('push_messages_waiting', 'Push messages to be sent', () => pushes().waiting)
  return {
    contentType: register.contentType,
    metrics: async () => (gather === undefined ? register : merge(await gather())).metrics(),
    figures: () => register.getMetricsAsJSON(),
  }
}
