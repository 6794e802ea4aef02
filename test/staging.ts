/**
 * Turns a scenario into what to send to Redis, step by step, and what to expect: it runs the scenario on the model, and
 * resolves against it what is relative in a step.
 */
import type { ChainableCommander } from 'ioredis'
import type { Warrant } from '../src/session.js'
import { accountKey, type Place, sessionKey, sessionsOfKey, subscriptionKey } from '../src/store/keys.js'
import { packPresentation } from '../src/store/present-call.js'
import { packWarrant } from '../src/store/record.js'
import { type Ask, type Mark, type Scenario, SLOTS, type Step, TABS } from './interleavings.js'
import * as model from './store-model.js'

/** Long enough that no record goes by itself while a scenario is played: a slide adds 36 s at least. */
const IDLE_MS = 36_000_000
/** One that is tied to a session at its very end would go by itself. */
const SHORTEST_SUBSCRIPTION_MS = 36_000
const ABSOLUTE_MS = 90_000_000
const LINGER_MS = 86_400_000
const START_MS = 1_800_000_000_000

type Token = readonly [n: number, b: number]

/** A pipeline that can also call the session scripts, by their names in `scripts.ts`. */
export interface Commands {
  pipeline: ChainableCommander
  script(command: string, keys: readonly string[], ...args: readonly (string | number | Buffer)[]): void
}

/** One step on Redis, with what the model says about it. */
export interface Staged {
  step: Step
  /** Queues its commands. */
  send: (redis: Commands) => void
  /** The reply to the last of them; `undefined` when that says nothing. */
  expected: unknown
  /** What Redis should hold afterwards. */
  portrait: model.Portrait
}

export const handleOf = ({ uidHash }: Place, slot: number): string => `${uidHash}${slot}`

/** @param rows counts how often each row of the transition table speaks */
export function stage(scenario: Scenario, place: Place, rows: Map<number, number>): Staged[] {
  const { policy } = scenario
  const { tag, uidHash } = place
  const doc = JSON.stringify({ uid: uidHash })
  const world = model.emptyWorld(START_MS, uidHash, doc)
  const snapshots: model.Keys[] = []
  const floors = [new Map<string, Token>(), new Map<string, Token>()]
  const tabs = Array.from({ length: SLOTS }, () => Array<Token>(TABS).fill([0, 0]))
  const late = Array.from({ length: SLOTS }, (): Token[] => [])
  const claims = { nobody: '', owner: uidHash, stranger: 'x'.repeat(16) }
  const staged: Staged[] = []
  let passwords = 0

  const account = accountKey(place)
  const index = sessionsOfKey(place)
  const handles = Array.from({ length: SLOTS }, (_, slot) => handleOf(place, slot))
  const keyOf = (slot: number) => sessionKey(tag, handleOf(place, slot))
  const sessionOf = (slot: number) => world.records.get(handleOf(place, slot))
  const give = (slot: number, tab: number, token: Token) => tabs[slot]?.splice(tab, 1, token)

  /** The mark of the old password is what those of all others begin with: a loose comparison would take it for theirs. */
  function warrantOf(by: Extract<Step, { do: 'open' }>['by']): Warrant | undefined {
    if (by === 'nobody') return undefined
    if (typeof by === 'number') return { sessionHandle: handleOf(place, by) }
    return { passwordMark: by === 'password' ? (world.account?.passwordMark ?? '') : 'salt' }
  }

  /** A slot with a session, unless none has one or `exactly` this is wanted: else stories would end too soon. */
  function living(slot: number, exactly = false): number {
    const there = [...handles.keys()].filter((other) => sessionOf(other) !== undefined)
    return exactly || there.includes(slot) ? slot : (there[slot % there.length] ?? slot)
  }

  /** To be called when the model has moved, with what must bring Redis to the same point. */
  function compare(step: Step, send: Staged['send'], expected: unknown): void {
    staged.push({ step, send, expected, portrait: model.portray(world, handles) })
  }

  function present(
    step: Step,
    asks: readonly (Omit<Ask, 'tab' | 'exactly'> & { token: Token; tab?: number })[],
  ): void {
    const { now } = world
    const { rotateAfterMs, leewayMs, reissueAfterMs, reissues, onReplay } = policy
    let asked = ''
    const answers: (() => void)[] = []
    const judgements = asks.map(({ slot, token: [n, b], mode, instance, answer, claimed, tab }) => {
      const handle = handleOf(place, slot)
      const remembered = floors[instance]
      const floor = remembered?.get(handle) ?? [0, 0]
      const [generation, branches] = floor
      asked += packPresentation({ n, b, uidHash: claims[claimed] || undefined }, mode, {
        generation,
        branches,
      })
      const judged = model.present(world, { handle, n, b, mode, floor, uidHash: claims[claimed] }, policy)
      for (const row of judged.rows) rows.set(row, (rows.get(row) ?? 0) + 1)
      const { handOut } = judged
      if (handOut !== undefined)
        answers.push(() => {
          const [nextN, nextB] = handOut
          const [c, k] = remembered?.get(handle) ?? [0, 0]
          if (nextN > c || (nextN === c && nextB >= k)) remembered?.set(handle, [nextN, nextB + 1])
          if (answer === 'late') late[slot]?.push([nextN, nextB])
          if (answer === 'now' && tab !== undefined) give(slot, tab, [nextN, nextB])
        })
      return judged
    })
    for (const arrive of answers) arrive()
    const keys = asks.map(({ slot }) => keyOf(slot))
    const args = [rotateAfterMs, leewayMs, reissueAfterMs, reissues, onReplay, asked]
    const facts = judgements.map(({ facts = '' }) => facts).join('')
    const expected = [facts, ...judgements.map(({ reply }) => reply)]
    compare(step, (redis) => redis.script('sessionPresent', keys, now, ...args), expected)
  }

  const play: { [D in Step['do']]: (step: Extract<Step, { do: D }>) => void } = {
    ask(step) {
      const asks = step.asks.map((ask) => ({ ...ask, slot: living(ask.slot, ask.exactly) }))
      present(
        step,
        asks.map((ask) => ({ ...ask, token: tabs[ask.slot]?.[ask.tab] ?? [0, 0] })),
      )
    },
    forge(step) {
      const slot = living(step.slot)
      const c = sessionOf(slot)?.rotation.c ?? 1
      const token: Token = [Math.max(0, c + step.ahead), step.b]
      present(step, [{ ...step, slot, token, answer: 'lost', claimed: 'nobody' }])
    },
    deliver(step) {
      const slot = living(step.slot)
      const [token] = late[slot]?.splice(step.which, 1) ?? []
      if (token !== undefined) give(slot, step.tab, token)
    },
    copy(step) {
      const slot = living(step.slot)
      give(slot, step.to, tabs[slot]?.[step.from] ?? [0, 0])
    },
    step({ ms }) {
      world.now += ms
    },
    until({ slot, mark, offset }) {
      const session = sessionOf(living(slot))
      if (session !== undefined) world.now = Math.max(world.now, momentOf(mark, session, policy) + offset)
    },
    open(step) {
      const { slot, kind, scopes, description, cap } = step
      const { now } = world
      const use = Array<number>(10).fill(slot)
      const lingerMs = step.linger && kind === 'jwt' ? LINGER_MS : 0
      const life = { idleMs: IDLE_MS, absoluteMs: ABSOLUTE_MS, maxSessions: cap, lingerMs }
      const warrant = warrantOf(step.by)
      const expected = model.open(world, {
        handle: handleOf(place, slot),
        kind,
        scopes,
        description,
        use,
        life,
        warrant,
      })
      if (expected[0] === 'opened') tabs[slot]?.fill(kind === 'rotating' ? [1, 0] : [0, 0])
      const unique = kind === 'jwt' && description !== '' ? 'unique' : ''
      const args = [kind, IDLE_MS, ABSOLUTE_MS, lingerMs, cap, scopes, description, unique, Buffer.from(use)]
      args.push(packWarrant(warrant))
      compare(
        step,
        (redis) => redis.script('sessionOpen', [keyOf(slot), index, account], now, ...args),
        expected,
      )
    },
    vanish(step) {
      const slot = living(step.slot)
      const handle = handleOf(place, slot)
      world.records.delete(handle)
      compare(step, ({ pipeline }) => pipeline.del(keyOf(slot), subscriptionKey(tag, handle)), undefined)
    },
    revoke(step) {
      const { now } = world
      const slot = living(step.slot)
      const claimed = claims[step.claimed]
      const expected = model.revoke(world, handleOf(place, slot), 'sign-out', claimed)
      compare(
        step,
        (redis) => redis.script('sessionRevoke', [keyOf(slot)], now, 'sign-out', claimed),
        expected,
      )
    },
    revokeAll(step) {
      const { now } = world
      const except = step.except === undefined ? '' : handleOf(place, step.except)
      const expected = model.revokeAll(world, 'password', except)
      compare(step, (redis) => redis.script('sessionRevokeAll', [index], now, 'password', except), expected)
    },
    list(step) {
      const { now } = world
      const only = step.only === undefined ? '' : handleOf(place, step.only)
      const expected = model.list(world, only)
      compare(step, (redis) => redis.script('sessionList', [index, account], now, only), expected)
    },
    touch(step) {
      const { now } = world
      const slot = living(step.slot)
      const expected = model.touch(world, handleOf(place, slot), step.ageMs, step.use)
      const args = [now, step.ageMs, Buffer.from(step.use)]
      compare(step, (redis) => redis.script('sessionTouch', [keyOf(slot)], ...args), expected)
    },
    subscribe(step) {
      const { now } = world
      const slot = living(step.slot)
      const leftMs = (sessionOf(slot)?.expiresAt ?? 0) - now
      if (leftMs > 0 && leftMs < SHORTEST_SUBSCRIPTION_MS) return
      const claimed = claims[step.claimed]
      const expected = model.subscribe(world, handleOf(place, slot), claimed, step.sealed, step.only)
      compare(
        step,
        (redis) => redis.script('sessionSubscribe', [keyOf(slot)], now, claimed, step.sealed, step.only),
        expected,
      )
    },
    account(step) {
      const passwordMark = `salt${++passwords}`
      model.changeAccount(world, step.becomes === 'password' ? { passwordMark } : step.becomes, doc)
      const notBefore = world.account?.notBefore ?? 0
      const commands: Record<typeof step.becomes, Staged['send']> = {
        suspended: ({ pipeline }) => pipeline.hset(account, 'sus', 1),
        restored: ({ pipeline }) => pipeline.hset(account, 'doc', doc).hdel(account, 'sus'),
        'cut-off': ({ pipeline }) => pipeline.hset(account, 'nb', notBefore),
        removed: ({ pipeline }) => pipeline.del(account),
        password: ({ pipeline }) =>
          pipeline.hset(account, 'pw', `$argon2id$v=19$m=8,t=1,p=1$${passwordMark}$hash`),
      }
      if (world.account !== undefined || step.becomes === 'removed')
        compare(step, commands[step.becomes], undefined)
    },
    snapshot(step) {
      const name = snapshots.push(model.snapshot(world)) - 1
      const copies = model.keysIn(world, place)
      const send: Staged['send'] = ({ pipeline }) => {
        for (const key of copies) pipeline.copy(key, `saved:${name}:${key}`)
      }
      compare(step, send, undefined)
    },
    crash(step) {
      const name = snapshots.length - 1 - step.depth
      const then = snapshots[name]
      if (then === undefined) return
      const lost = model.keysIn(world, place)
      Object.assign(world, model.snapshot(then))
      const kept = model.keysIn(world, place)
      const send: Staged['send'] = ({ pipeline }) => {
        for (const key of lost) pipeline.del(key)
        for (const key of kept) pipeline.copy(`saved:${name}:${key}`, key, 'REPLACE')
      }
      compare(step, send, undefined)
    },
    restart({ instance }) {
      floors[instance]?.clear()
    },
  }

  for (const step of [{ do: 'account', becomes: 'restored' } as const, ...scenario.steps])
    (play[step.do] as (step: Step) => void)(step) // the handler of its own kind
  return staged
}

function momentOf(mark: Mark, session: model.StoredSession, policy: Scenario['policy']): number {
  const { t, a, p, o } = session.rotation
  const moments: Record<Mark, number> = {
    G: t + policy.rotateAfterMs,
    Y: t + policy.reissueAfterMs,
    Za: a + policy.leewayMs,
    Zp: p + policy.leewayMs,
    Zo: o + policy.leewayMs,
    slide: session.expiresAt - session.idleMs + session.idleMs / 1000,
    later: session.expiresAt - session.idleMs - 9000,
    e: session.expiresAt,
    x: session.endsAt,
  }
  return moments[mark]
}
