/**
 * Presentations of tokens, all those of one event-loop turn in one script call. The call goes out right after the turn's
 * input was read, so nothing waits that would not have waited anyway.
 */
import { Redis, ReplyError } from 'ioredis'
import type { Account } from '../account.js'
import { makeRoom } from '../make-room.js'
import type { LastUse, Mode, RotationPolicy, Session } from '../session.js'
import { parseAccount } from './account-record.js'
import { batches } from './batches.js'
import type { RedisClient } from './connect.js'
import { firstWord, toFault } from './faults.js'
import type { Gate } from './gate.js'
import { createHandOuts, type HandOut } from './hand-outs.js'
import { sessionKey } from './keys.js'
import { parseUse } from './packed-use.js'
import { isFault, type Judgement, type PresentReply, parseAcceptance, toSession } from './record.js'

/** A token's claim, proved by its MAC. */
export interface Presentation {
  tag: string
  handle: string
  n: number
  b: number
  /** The account that the client names beside the token: the session must be one of its. */
  uidHash?: string | undefined
}

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
/** Accounts that are not parsed again; those with long attributes are, so that this takes 10 MB at most. */
const REMEMBERED_ACCOUNTS = 10_000
const LONGEST_REMEMBERED = 1_000

/** @returns presents one token, judged after all those presented before it */
export function createPresenter({ redis, rotation, now, onEnded, gate }: Parts) {
  const { rotateAfterMs, leewayMs, reissueAfterMs, reissues, onReplay } = rotation
  const policy = [rotateAfterMs, leewayMs, reissueAfterMs, reissues, onReplay]
  const handOuts = createHandOuts()
  /** By document: the sessions of an account come with the same one again and again. */
  const accounts = new Map<string, Account>()
  let waiting: Waiting[] = []

  function readAccount(doc: string): Account {
    const known = accounts.get(doc)
    if (known !== undefined) return known
    const account = parseAccount(doc)
    if (doc.length > LONGEST_REMEMBERED) return account
    accounts.set(doc, account)
    makeRoom(accounts, REMEMBERED_ACCOUNTS)
    return account
  }

  function flush(): void {
    const turn = waiting
    waiting = []
    for (const batch of batches(turn, MOST_AT_ONCE, redis.isCluster)) send(batch, 'sessionPresent')
  }

  function send(batch: readonly Waiting[], command: 'sessionPresent' | 'sessionPresentInPlace'): void {
    const call: (string | number)[] = [batch.length]
    for (const { presentation } of batch) call.push(sessionKey(presentation.tag, presentation.handle))
    call.push(now(), ...policy)
    for (const { presentation, mode, latest } of batch) {
      const { n, b, uidHash = '' } = presentation
      call.push(`${n} ${b} ${mode} ${latest?.generation ?? 0} ${latest?.branches ?? 0} ${uidHash}`)
    }
    redis[command](...call).then(
      (replies) => settle(batch, replies, command === 'sessionPresent'),
      (error) => {
        const fault = toFault(error)
        for (const one of batch) fail(one, fault)
      },
    )
  }

  function answer(one: Waiting, reply: Judgement): void {
    gate.leave()
    try {
      one.resolve(toPresented(one, reply))
    } catch (error) {
      one.reject(error) // what is stored of this one cannot be read: the others have nothing to do with it
    }
  }

  function fail({ reject }: Waiting, fault: unknown): void {
    gate.leave()
    reject(fault)
  }

  function settle(batch: readonly Waiting[], replies: readonly PresentReply[], mayRepeat: boolean): void {
    const repeated: Waiting[] = []
    for (const [i, one] of batch.entries()) {
      const reply = replies[i] ?? ['fault', 'ERR present.lua answered less than it was asked']
      if (!isFault(reply)) answer(one, reply)
      else if (mayRepeat && firstWord(reply[1]) === 'OOM') repeated.push({ ...one, mode: 'verify' })
      else fail(one, toFault(faultOf(reply[1])))
    }
    // Redis must not grow now. Verifying does not make it: what was seen is noted over as many bytes.
    if (repeated.length > 0) send(repeated, 'sessionPresentInPlace')
  }

  /** What Redis said of one presentation among others. The client judges errors of whole replies only, so we ask it to. */
  function faultOf(message: string): Error {
    const error = new ReplyError(message)
    if (redis instanceof Redis && redis.options.reconnectOnError?.(error)) redis.disconnect(true)
    return error
  }

  function toPresented(one: Waiting, reply: Judgement): Presented {
    if (typeof reply === 'string') return toAccepted(one, reply)
    if (reply[0] === 'revoked') return { verdict: reply[0], reason: reply[1] }
    if (reply.length === 1) return { verdict: reply[0] }

    const { tag, handle } = one.presentation
    const [verdict, event, doc, facts, lastUse] = reply
    const account = readAccount(doc)
    const session = toSession(facts, tag, account)
    const ended = verdict === 'reissue-limit' || (verdict !== 'ahead' && onReplay === 'revoke')
    if (ended) onEnded(handle)
    return {
      verdict,
      ended,
      lastUse: parseUse(Buffer.from(lastUse)),
      session,
      account,
      repair: event || undefined,
    }
  }

  function toAccepted({ presentation: { tag, handle }, latest }: Waiting, reply: string): Presented {
    const accepted = parseAcceptance(reply)
    const { verdict, n, b, ageMs, remainingMs, kind, scopes, createdAt, expiresAt, endsAt } = accepted
    const account = readAccount(accepted.doc)
    const session: Session = { handle, tag, uid: account.uid, kind, scopes, createdAt, expiresAt, endsAt }
    const repair = accepted.event || undefined
    switch (verdict) {
      case 'rotated':
      case 'reissued':
        handOuts.note(handle, latest, n, b)
        return { verdict, n, b, session, account, repair }
      case 'current':
        return { verdict, ageMs, remainingMs, session, account, repair }
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
