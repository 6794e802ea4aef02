/** `GET /events`: the audit trail, in pages by cursor, or as server-sent events that go on where `Last-Event-ID` ended. */
import { setMaxListeners } from 'node:events'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { RecordedEvent } from '../event.js'
import type { Grant } from '../session.js'
import { type Static, Type } from '../typebox.js'
import { HttpProblem } from './http-problem.js'
import { granted } from './scopes.js'

/** Where the trail is read from. */
export interface EventReader {
  /** Those after the one with id `after`, oldest first; from the oldest kept when absent. */
  read(after: string | undefined, limit: number): Promise<RecordedEvent[]>
  /** The id of the newest. */
  newest(): Promise<string>
}

export interface EventRoutesOptions {
  events: EventReader
  /** Whether who was let in would still be: a stream outlives its request, and must not outlive its credential. */
  mayStillFollow(grant: Grant): Promise<boolean>
}

const EventId = Type.String({ pattern: '^\\d{1,15}-\\d{1,15}$', description: '`<ms>-<sequence>`' })
const Page = Type.Object(
  {
    after: Type.Optional(EventId),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  },
  { additionalProperties: false },
)
const Following = Type.Object({
  accept: Type.Optional(Type.String({ description: '`text/event-stream` to follow the trail as it grows' })),
  'last-event-id': Type.Optional(Type.String({ description: 'The last event that a follower has seen' })),
})
const Text = Type.Optional(Type.String())
const EventObject = Type.Object({
  id: EventId,
  at: Type.String(),
  type: Type.String(),
  actor: Text,
  uid: Text,
  handle: Text,
  kind: Text,
  reason: Text,
  ip: Text,
  userAgent: Text,
  otherIp: Text,
  ended: Type.Optional(Type.Integer()),
  kid: Text,
})
const EventPage = Type.Object({
  events: Type.Array(EventObject),
  next: Type.Union([EventId, Type.Null()], {
    description: 'Pass it as `after`; null when there are no newer ones yet',
  }),
})

const content = {
  'application/json': { schema: EventPage },
  'text/event-stream': { schema: Type.String() },
}

/** How often a follower looks for news. */
const POLL_MS = 250
/** How often it is looked whether the follower's session and account still are what they were. */
const RECHECK_MS = 1_000
/** A comment that often keeps proxies from closing a quiet stream. */
const HEARTBEAT_MS = 15_000
const MOST_AT_ONCE = 100
const MOST_FOLLOWERS = 100

/** Fields without a value are left out in JSON, so undefined ones may pass. */
const render = ({ at, ...event }: RecordedEvent) =>
  ({ ...event, at: new Date(at).toISOString() }) as Static<typeof EventObject>

/** Register it in a guarded scope that requires the role `service` or `admin`. */
export function eventRoutes({ events, mayStillFollow }: EventRoutesOptions): FastifyPluginAsyncTypebox {
  return async (app) => {
    const closing = new AbortController()
    setMaxListeners(2 * MOST_FOLLOWERS, closing.signal)
    app.addHook('preClose', async () => closing.abort())
    let followers = 0

    app.get(
      '',
      {
        schema: {
          tags: ['services'],
          summary: 'The audit trail, in pages or as server-sent events',
          querystring: Page,
          headers: Following,
          response: { 200: { content } },
        },
      },
      async (request, reply) => {
        const { after, limit = 100 } = request.query
        if (!/\btext\/event-stream\b/.test(request.headers.accept ?? '')) {
          const page = await events.read(after, limit)
          return { events: page.map(render), next: page.length === limit ? (page.at(-1)?.id ?? null) : null }
        }

        if (followers >= MOST_FOLLOWERS) throw new HttpProblem(429, 'Too many followers of the event stream.')
        const from = readCursor(request.headers['last-event-id']) ?? after ?? (await events.newest())
        followers += 1
        const grant = granted(request)
        const isWelcome = () => mayStillFollow(grant)
        const stream = Readable.from(follow(events, from, isWelcome, closing.signal), { objectMode: false })
        stream.once('close', () => {
          followers -= 1
        })
        return reply
          .type('text/event-stream')
          .header('x-accel-buffering', 'no')
          .send(stream as unknown as string) // a stream of the text that the schema describes
      },
    )
  }
}

function readCursor(header: string | string[] | undefined): string | undefined {
  if (header === undefined || header === '') return undefined
  if (typeof header === 'string' && /^\d{1,15}-\d{1,15}$/.test(header)) return header
  throw new HttpProblem(400, 'Last-Event-ID must be the id of an event.')
}

/**
 * Yields server-sent events until `signal`, or until its follower is not welcome any more. An outage of Redis ends the
 * stream, too, and the client comes back with its cursor.
 */
async function* follow(
  events: EventReader,
  from: string,
  isWelcome: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let after = from
  let quietSince = Date.now()
  let checkedAt = Date.now()
  yield ': connected\n\n'
  while (!signal.aborted) {
    if (Date.now() - checkedAt > RECHECK_MS) {
      if (!(await isWelcome().catch(() => false))) return
      checkedAt = Date.now()
    }
    const news = await events.read(after, MOST_AT_ONCE).catch(() => undefined)
    if (news === undefined) return
    for (const event of news) {
      yield `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(render(event))}\n\n`
      after = event.id
    }
    if (news.length > 0) quietSince = Date.now()
    else if (Date.now() - quietSince > HEARTBEAT_MS) {
      quietSince = Date.now()
      yield ': still here\n\n'
    }
    if (news.length < MOST_AT_ONCE) await wait(POLL_MS, undefined, { signal }).catch(() => undefined)
  }
}
