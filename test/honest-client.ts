/**
 * An honest client of one session, several tabs sharing what it holds: it keeps the last token that it received and sends
 * it, through a network that delays, reorders and loses, to a service whose Redis loses its last writes.
 */
import fc from 'fast-check'
import type { Mode, RotationPolicy } from '../src/session.js'
import { firstToken, isAccepted, type Service, START_MS, type Token } from './rotation-service.js'

interface Request {
  do: 'request'
  mode: Mode
  /** How long it is under way, and how long an answer to it would be. */
  upMs: number
  downMs: number
  answerLost: boolean
}

interface Crash {
  do: 'crash'
  /** What Redis forgets. */
  lostMs: number
  /** Whether the instance goes down with it. */
  restarts: boolean
}

export type Story = readonly { afterMs: number; beat: Request | Crash }[]

/**
 * Stories within the conditions: a request takes at most min(Z, G) to reach us, and an answer that carries a token is there
 * within Y of its request. Where the instance goes down together with Redis, nobody knows what it handed out, and the
 * same token may be handed out again: then an answer must not take longer than G, and Redis not lose Y of its writes.
 */
export function honestStories(policy: RotationPolicy): fc.Arbitrary<Story> {
  const { rotateAfterMs, leewayMs, reissueAfterMs } = policy
  const slowestUpMs = Math.min(rotateAfterMs, leewayMs)
  const remembering = {
    slowestUpMs,
    slowestDownMs: reissueAfterMs - slowestUpMs,
    deepestMs: 5 * reissueAfterMs,
  }
  const forgetting = { slowestUpMs, slowestDownMs: rotateAfterMs, deepestMs: reissueAfterMs - 1 }
  return fc.oneof(stories(policy, remembering, false), stories(policy, forgetting, true))
}

function stories(
  { rotateAfterMs, leewayMs, reissueAfterMs }: RotationPolicy,
  bounds: { slowestUpMs: number; slowestDownMs: number; deepestMs: number },
  restarts: boolean,
): fc.Arbitrary<Story> {
  const mostly = (short: number, longest: number) =>
    fc.oneof({ weight: 3, arbitrary: fc.nat(short) }, { weight: 1, arbitrary: fc.nat(longest) })
  const request = fc.record({
    do: fc.constant('request' as const),
    mode: fc.constantFrom<Mode>('rotate', 'rotate', 'rotate', 'verify'),
    upMs: mostly(100, bounds.slowestUpMs),
    downMs: mostly(100, bounds.slowestDownMs),
    answerLost: fc.integer({ min: 0, max: 3 }).map((roll) => roll === 0),
  })
  const crash = fc.record({
    do: fc.constant('crash' as const),
    lostMs: mostly(2000, bounds.deepestMs),
    restarts: restarts ? fc.boolean() : fc.constant(false),
  })
  const pause = fc.oneof(
    fc.constantFrom(0, 1, 10, rotateAfterMs, leewayMs, reissueAfterMs + 1),
    fc.nat(rotateAfterMs),
    fc.nat(2 * reissueAfterMs),
  )
  const beat = fc.oneof({ weight: 6, arbitrary: request }, { weight: 1, arbitrary: crash })
  return fc.array(fc.record({ afterMs: pause, beat }), { minLength: 5, maxLength: 60, size: 'max' })
}

type Event = { at: number } & (
  | Crash
  | Request
  | { do: 'reach'; request: Request; token: Token }
  | { do: 'receive'; token: Token }
)

/** @throws Error when the client is refused, with what happened until then */
export async function playHonest(service: Service, story: Story, policy: RotationPolicy): Promise<void> {
  let held = firstToken
  let lostInARow = 0
  const events: Event[] = []
  const log: string[] = []
  for (const [i, { beat }] of story.entries()) {
    const at = story.slice(0, i + 1).reduce((sum, { afterMs }) => sum + afterMs, START_MS)
    events.push({ at, ...beat })
  }

  for (let event = takeFirst(); event !== undefined; event = takeFirst()) {
    service.now = event.at
    log.push(`${event.at - START_MS} ms: ${JSON.stringify(event)}`)
    if (event.do === 'request')
      events.push({ at: event.at + event.upMs, do: 'reach', request: event, token: held })
    else if (event.do === 'reach') await reach(event.request, event.token)
    else if (event.do === 'receive') held = event.token
    else await crash(event)
  }

  function takeFirst(): Event | undefined {
    events.sort((one, other) => one.at - other.at)
    return events.shift()
  }

  async function reach({ mode, downMs, answerLost }: Request, token: Token): Promise<void> {
    const { now } = service
    const answer = await service.present(token, mode)
    log.push(`  ${answer.verdict} ${answer.token ?? ''}`)
    if (!isAccepted(answer)) throw new Error(`${token} refused\n${log.join('\n')}`)
    if (answer.token === undefined) return
    if (answerLost && lostInARow < policy.reissues - 1) lostInARow++
    else {
      lostInARow = 0
      events.push({ at: now + downMs, do: 'receive', token: answer.token })
    }
  }

  async function crash({ lostMs, restarts }: Crash): Promise<void> {
    await service.crash(lostMs)
    if (restarts) service.restart()
  }
}
