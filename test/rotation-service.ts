/**
 * One rotating session and the instance that serves it, for the properties of `guarantees.test.ts`: once as the pure
 * model, which is quick, and once as the store on a real Redis. Times and durations are ms.
 */
import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Mode, RotationPolicy } from '../src/session.js'
import { accountFields } from '../src/store/account-record.js'
import { accountKey, placeOf, sessionKey, tombstoneKey } from '../src/store/keys.js'
import { createSessionStore } from '../src/store/sessions.js'
import { judge, newborn, type Rotation } from './rotation-model.js'

export type Token = readonly [n: number, b: number]

export interface Answer {
  verdict: string
  token: Token | undefined
}

export interface Service {
  now: number
  present(token: Token, mode: Mode): Promise<Answer>
  /** What presenting `token` would be answered; changes nothing. */
  probe(token: Token): Promise<string>
  /** Redis comes back without what was written in the last `lostMs`; the session itself survives. */
  crash(lostMs: number): Promise<void>
  /** The instance forgets what it handed out. */
  restart(): void
}

export const START_MS = 1_800_000_000_000
export const firstToken: Token = [1, 0]

const accepted = new Set(['rotated', 'reissued', 'current', 'accepted'])
export const isAccepted = ({ verdict }: Answer): boolean => accepted.has(verdict)

/** States with the times from which they held. */
class History<State> {
  #entries: { at: number; state: State }[] = []
  add(at: number, state: State): void {
    this.#entries.push({ at, state })
  }
  /** The state at `at`, the oldest there is when that is earlier; what came later never was. */
  rewind(at: number): State | undefined {
    while (this.#entries.length > 1 && (this.#entries.at(-1)?.at ?? 0) > at) this.#entries.pop()
    return this.#entries.at(-1)?.state
  }
}

export async function modelService(policy: RotationPolicy): Promise<Service> {
  const history = new History<Rotation | undefined>()
  let state: Rotation | undefined = newborn(START_MS, 1)
  let floor: Token = [0, 0]
  history.add(START_MS, state)
  const service: Service = {
    now: START_MS,
    async present([n, b], mode) {
      if (state === undefined) return { verdict: 'revoked', token: undefined }
      const { verdict, handOut, state: next } = judge(state, { n, b, mode, floor }, policy, service.now)
      const theft = verdict === 'fork' || verdict === 'replay'
      state = verdict === 'reissue-limit' || (theft && policy.onReplay === 'revoke') ? undefined : next
      history.add(service.now, state)
      if (verdict !== 'rotated' && verdict !== 'reissued') return { verdict, token: undefined }
      floor = [handOut[0], handOut[1] + 1]
      return { verdict, token: handOut }
    },
    async probe([n, b]) {
      return state
        ? judge(state, { n, b, mode: 'verify', floor: [0, 0] }, policy, service.now).verdict
        : 'revoked'
    },
    async crash(lostMs) {
      state = history.rewind(service.now - lostMs)
    },
    restart() {
      floor = [0, 0]
    },
  }
  return service
}

/** @returns makes services whose sessions are real ones in `redis` */
export function redisServices(redis: Redis): (policy: RotationPolicy) => Promise<Service> {
  return async (rotation) => {
    const uid = randomBytes(8).toString('hex')
    const place = placeOf(uid)
    const { tag } = place
    await redis.hset(accountKey(place), accountFields.doc, JSON.stringify({ uid }))
    const [handle, double] = [randomBytes(16).toString('base64url'), randomBytes(16).toString('base64url')]
    const [key, doubleKey] = [sessionKey(tag, handle), sessionKey(tag, double)]
    const history = new History<string>()
    const clock = { now: START_MS }
    const connect = () => createSessionStore({ redis, rotation, now: () => clock.now })
    let versions = 0
    async function remember(): Promise<void> {
      const version = `was:${key}:${++versions}`
      await redis.copy(key, version)
      history.add(clock.now, version)
    }

    let store = connect()
    const life = { idleMs: 1e9, absoluteMs: 2e9, maxSessions: 9 }
    await store.open({ tag, handle, uid, kind: 'rotating', scopes: [], life })
    await remember()
    const service: Omit<Service, 'now'> = {
      async present([n, b], mode) {
        const presented = await store.present({ tag, handle, n, b }, mode)
        await remember()
        return {
          verdict: presented.verdict,
          token: 'n' in presented ? [presented.n, presented.b] : undefined,
        }
      },
      async probe([n, b]) {
        await redis.copy(key, doubleKey, 'REPLACE')
        const { verdict } = await store.present({ tag, handle: double, n, b }, 'verify')
        await redis.del(doubleKey, tombstoneKey(tag, double))
        return verdict
      },
      async crash(lostMs) {
        await redis.copy(history.rewind(clock.now - lostMs) ?? '', key, 'REPLACE')
      },
      restart() {
        store = connect()
      },
    }
    return Object.assign(clock, service)
  }
}
