/**
 * Presentations of tokens, all those of one event-loop turn in one script call. The call goes out right after the turn's
 * input was read, so nothing waits that would not have waited anyway.
 */
import { Redis, ReplyError } from 'ioredis'
import type { Account } from '../account.js'
import type { LastUse, Mode, RotationPolicy, Session } from '../session.js'
import { sendBatches } from './batches.js'
import type { RedisClient } from './connect.js'
import { firstWord, orUnavailable, toFault } from './faults.js'
import type { Gate } from './gate.js'
import { createHandOuts, type HandOut } from './hand-outs.js'
import { sessionKey } from './keys.js'
import { createAccountReader } from './known-accounts.js'
import { parseUse } from './packed-use.js'
import { type Presentation, packPresentation } from './present-call.js'
import { AcceptedFacts, type Event, type PresentReply, type Refusal, readRefusal } from './present-reply.js'
import { toSession } from './record.js'

/** What the rotation machine says of a presented token. */
export type Presented =
  /** `n` and `b` are what to hand out, now and never again. */
  | ({ verdict: 'rotated' | 'reissued'; n: number; b: number } & Facts)
  /** The newest there is: how long ago it was handed out, and how long the session lives if it is not used again, ms. */
  | ({ verdict: 'current'; ageMs: number; remainingMs: number } & Facts)
  /** A superseded one that is still good. */
  | ({ verdict: 'accepted' } & Facts)
  /** `ended`: the session was revoked for it; `lastUse` is where it was used before. */
  | ({ verdict: 'fork' | 'replay' | 'reissue-limit' | 'ahead'; ended: boolean; lastUse: LastUse } & Facts)
  | { verdict: 'unknown' | 'mismatch' | 'expired' | 'suspended' }
  | { verdict: 'revoked'; reason: string }

interface Facts {
  session: Session
  account: Account
  /** Present when Redis turned out to have lost writes: it was raised to what was handed out, or to what was presented. */
  repair: 'repaired' | 'fast-forwarded' | undefined
}

interface Parts {
  redis: RedisClient
  rotation: RotationPolicy
  /** '0' for Redis' own clock. */
  now: () => number | '0'
  onEnded: (handle: string) => void
  gate: Pick<Gate, 'enter' | 'leave'>
}

interface Waiting {
  /** Of its account, by which calls are cut. */
  tag: string
  presentation: Presentation
  mode: Mode
  /** What its session was handed out last. */
  latest: HandOut | undefined
  resolve: (presented: Presented) => void
  reject: (error: unknown) => void
}

/** More would keep Redis from others for longer than a millisecond. The calls of a turn go out together, whatever their number. */
const MOST_AT_ONCE = 64

type Judgement = Exclude<Refusal, ['fault', Buffer]>

const NO_REPLY: PresentReply[1] = [
  Buffer.from('fault'),
  Buffer.from('ERR present.lua answered less than it was asked'),
]

/** @returns presents one token, judged after all those presented before it */
export function createPresenter({ redis, rotation, now, onEnded, gate }: Parts) {
  const { rotateAfterMs, leewayMs, reissueAfterMs, reissues, onReplay } = rotation
  const policy = [rotateAfterMs, leewayMs, reissueAfterMs, reissues, onReplay]
  const handOuts = createHandOuts()
  const readAccount = createAccountReader()
  let waiting: Waiting[] = []

  function flush(): void {
    const turn = waiting
    waiting = []
    sendBatches(redis, turn, MOST_AT_ONCE, (batch) => send(batch, 'sessionPresentBuffer'))
  }

  function send(
    batch: readonly Waiting[],
    command: 'sessionPresentBuffer' | 'sessionPresentInPlaceBuffer',
  ): void {
    const call: (string | number)[] = [batch.length]
    for (const { presentation } of batch) call.push(sessionKey(presentation.tag, presentation.handle))
    let asked = ''
    for (const { presentation, mode, latest } of batch) asked += packPresentation(presentation, mode, latest)
    call.push(now(), ...policy, asked)
    orUnavailable(redis[command](...call)).then(
      (reply) => settle(batch, reply, command === 'sessionPresentBuffer'),
      (fault) => {
        for (const one of batch) fail(one, fault)
      },
    )
  }

  /** What is stored of one may be unreadable: the others have nothing to do with it. */
  function answer({ resolve, reject }: Waiting, read: () => Presented): void {
    gate.leave()
    try {
      resolve(read())
    } catch (error) {
      reject(error)
    }
  }

  function fail({ reject }: Waiting, fault: unknown): void {
    gate.leave()
    reject(fault)
  }

  function settle(batch: readonly Waiting[], [bytes, ...replies]: PresentReply, mayRepeat: boolean): void {
    const facts = new AcceptedFacts(bytes)
    const repeated: Waiting[] = []
    for (const [i, one] of batch.entries()) {
      const reply = replies[i] ?? NO_REPLY
      if (Buffer.isBuffer(reply)) {
        answer(one, () => toAccepted(one, facts.next(), reply))
        continue
      }
      const refusal = readRefusal(reply)
      if (refusal[0] !== 'fault') answer(one, () => toRefused(one, refusal))
      else if (mayRepeat && firstWord(String(refusal[1])) === 'OOM') repeated.push({ ...one, mode: 'verify' })
      else fail(one, toFault(faultOf(String(refusal[1]))))
    }
    // Redis must not grow now. Verifying does not make it: what was seen is noted over as many bytes.
    if (repeated.length > 0) send(repeated, 'sessionPresentInPlaceBuffer')
  }

  /** What Redis said of one presentation among others. The client judges errors of whole replies only, so we ask it to. */
  function faultOf(message: string): Error {
    const error = new ReplyError(message)
    if (redis instanceof Redis && redis.options.reconnectOnError?.(error)) redis.disconnect(true)
    return error
  }

  function toRefused({ presentation: { tag, handle } }: Waiting, refusal: Judgement): Presented {
    if (refusal[0] === 'revoked') return { verdict: refusal[0], reason: refusal[1].toString() }
    if (refusal.length === 1) return { verdict: refusal[0] }

    const [verdict, event, doc, facts, lastUse] = refusal
    const account = readAccount(doc)
    const ended = verdict === 'reissue-limit' || (verdict !== 'ahead' && onReplay === 'revoke')
    if (ended) onEnded(handle)
    return {
      verdict,
      ended,
      lastUse: parseUse(lastUse),
      session: toSession(facts, tag, account),
      account,
      repair: (event.toString() as Event) || undefined, // the script's own words
    }
  }

  function toAccepted(
    { presentation: { tag, handle }, latest }: Waiting,
    facts: AcceptedFacts,
    doc: Buffer,
  ): Presented {
    const { verdict, n, b, kind, scopes, createdAt, expiresAt, endsAt } = facts
    const account = readAccount(doc)
    const session: Session = { handle, tag, uid: account.uid, kind, scopes, createdAt, expiresAt, endsAt }
    const repair = facts.event || undefined
    switch (verdict) {
      case 'rotated':
      case 'reissued':
        handOuts.note(handle, latest, n, b)
        return { verdict, n, b, session, account, repair }
      case 'current':
        return { verdict, ageMs: facts.ageMs, remainingMs: facts.remainingMs, session, account, repair }
      case 'accepted':
        return { verdict, session, account, repair }
    }
  }

  return (presentation: Presentation, mode: Mode): Promise<Presented> =>
    new Promise((resolve, reject) => {
      gate.enter()
      if (waiting.length === 0) setImmediate(flush)
      const { tag, handle } = presentation
      waiting.push({ tag, presentation, mode, latest: handOuts.latest(handle), resolve, reject })
    })
}
