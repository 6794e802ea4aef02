/**
 * An honest client of one session, several tabs sharing what it holds: it keeps the last token that it received and sends
 * it, through a network that delays, reorders and loses, to a service whose Redis loses its last writes.
 */
import fc from 'fast-check'
import type { Mode, RotationPolicy } from '../src/session.js'
import { firstToken, isAccepted, type Service, START_MS, type Token } from './rotation-service.js'

export interface Story {
  requests: { afterMs: number; mode: Mode; upMs: number; downMs: number; lost: boolean }[]
  crashes: { atMs: number; lostMs: number; restarts: boolean }[]
}

/**
 * Stories within the conditions: a request takes at most min(Z, G) to reach us; an answer that carries a token comes
 * within Y of the request, and is lost with its instance.
 */
export function honestStories({
  rotateAfterMs,
  leewayMs,
  reissueAfterMs,
}: RotationPolicy): fc.Arbitrary<Story> {
  const slowestUpMs = Math.min(rotateAfterMs, leewayMs)
  const slowestDownMs = reissueAfterMs - slowestUpMs
  const gap = fc.oneof(
    fc.constantFrom(0, 1, 10, rotateAfterMs, leewayMs, reissueAfterMs + 1),
    fc.nat(rotateAfterMs),
    fc.nat(2 * reissueAfterMs),
  )
  const mostly = (short: number, longest: number) =>
    fc.oneof({ weight: 3, arbitrary: fc.nat(short) }, { weight: 1, arbitrary: fc.nat(longest) })
  const request = fc.record({
    afterMs: gap,
    mode: fc.constantFrom<Mode>('rotate', 'rotate', 'rotate', 'verify'),
    upMs: mostly(100, slowestUpMs),
    downMs: mostly(100, slowestDownMs),
    lost: fc.integer({ min: 0, max: 3 }).map((roll) => roll === 0),
  })
  const crash = fc.record({ atMs: fc.nat(600_000), lostMs: mostly(2000, 300_000), restarts: fc.boolean() })
  return fc.record({
    requests: fc.array(request, { minLength: 5, maxLength: 60, size: 'max' }),
    crashes: fc.array(crash, { maxLength: 6 }),
  })
}

type Event =
  | { at: number; kind: 'send'; request: Story['requests'][number] }
  | { at: number; kind: 'reach'; request: Story['requests'][number]; token: Token }
  | { at: number; kind: 'receive'; token: Token; handedOutAt: number }
  | { at: number; kind: 'crash'; lostMs: number; restarts: boolean }

/** @throws Error when the client is refused */
export async function playHonest(service: Service, story: Story, policy: RotationPolicy): Promise<void> {
  let held = firstToken
  let lostInARow = 0
  let sendAt = START_MS
  const log: string[] = []
  let events: Event[] = [
    ...story.requests.map((request): Event => {
      sendAt += request.afterMs
      return { at: sendAt, kind: 'send', request }
    }),
    ...story.crashes.map(({ atMs, ...crash }): Event => ({ at: START_MS + atMs, kind: 'crash', ...crash })),
  ]

  for (let event = takeFirst(); event !== undefined; event = takeFirst()) {
    service.now = event.at
    log.push(
      `${event.at - START_MS} ${event.kind} ${'token' in event ? event.token : ''} ${event.kind === 'crash' ? JSON.stringify(event) : ''}`,
    )
    if (event.kind === 'send') {
      const { request } = event
      events.push({ at: event.at + request.upMs, kind: 'reach', request, token: held })
    } else if (event.kind === 'receive') held = event.token
    else if (event.kind === 'crash') await crash(event)
    else await reach(event.request, event.token)
  }

  function takeFirst(): Event | undefined {
    events.sort((one, other) => one.at - other.at)
    return events.shift()
  }

  async function reach({ mode, downMs, lost }: Story['requests'][number], token: Token): Promise<void> {
    const { now } = service
    const answer = await service.present(token, mode)
    log.push(`   ${answer.verdict} ${answer.token}`)
    if (!isAccepted(answer)) throw new Error(`${token} refused: ${answer.verdict}\n${log.join('\n')}`)
    if (answer.token === undefined) return
    if (lost && lostInARow < policy.reissues - 1) lostInARow++
    else {
      lostInARow = 0
      events.push({ at: now + downMs, kind: 'receive', token: answer.token, handedOutAt: now })
    }
  }

  async function crash({ lostMs, restarts }: { lostMs: number; restarts: boolean }): Promise<void> {
    await service.crash(lostMs)
    if (!restarts) return
    service.restart()
    // Answers under way are gone with their instance, but for what the network already has.
    events = events.filter((e) => e.kind !== 'receive' || e.at - e.handedOutAt <= policy.rotateAfterMs)
  }
}
