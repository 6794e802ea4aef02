/**
 * What the session scripts do to the keys of one account, as plain data: records, index, tombstones. The oracle beside
 * `rotation-model.ts`; nothing in it knows Lua or Redis. Times and durations are ms.
 */
import type { Kind, LifePolicy, RotationPolicy, Warrant } from '../src/session.js'
import { type Place, sessionKey, sessionsOfKey, subscriptionKey, tombstoneKey } from '../src/store/keys.js'
import { type Claim, type Judgement, judge, NONE, newborn, type Rotation } from './rotation-model.js'

export interface StoredSession {
  handle: string
  kind: Kind
  scopes: string
  description: string
  rotation: Rotation
  createdAt: number
  /** e and x. */
  expiresAt: number
  endsAt: number
  idleMs: number
  lastUse: { at: number; bytes: readonly number[] }
  /** '' for none. */
  subscription: string
  subscriptionLifeMs: number
  /** What the record was last given to live. */
  lifeMs: number
}

/** What Redis holds of the account's sessions. */
export interface Keys {
  records: Map<string, StoredSession>
  /** Handle → when the record goes, in whole seconds, rounded up. */
  index: Map<string, number>
  indexLifeMs: number
  tombstones: Map<string, Tombstone>
}

export interface World extends Keys {
  now: number
  account:
    | { doc: string; suspended: boolean; notBefore: number | undefined; passwordMark: string | undefined }
    | undefined
  uidHash: string
}

export interface Tombstone {
  reason: string
  lifeMs: number
}

export function emptyWorld(now: number, uidHash: string, doc: string): World {
  const account = { doc, suspended: false, notBefore: undefined, passwordMark: undefined }
  return {
    now,
    account,
    uidHash,
    records: new Map(),
    index: new Map(),
    indexLifeMs: 0,
    tombstones: new Map(),
  }
}

const HOUR_MS = 3_600_000

/** A copy: what a step changes in a session is replaced, never written into. */
export function snapshot({ records, index, indexLifeMs, tombstones }: Keys): Keys {
  return {
    records: new Map([...records].map(([handle, session]) => [handle, { ...session }])),
    index: new Map(index),
    indexLifeMs,
    tombstones: new Map(tombstones),
  }
}

/** For each handle record, its life, tombstone, its life, subscription, its life; then the account's set and its life. A life of −2: no such key. */
export type Portrait = readonly (string | number | null)[]

const NO_KEY = -2

export function portray(world: World, handles: readonly string[]): Portrait {
  const portrait = handles.flatMap((handle) => {
    const session = world.records.get(handle)
    const tombstone = world.tombstones.get(handle)
    return [
      session === undefined ? '|||||0' : portraySession(session, world.uidHash),
      session?.lifeMs ?? NO_KEY,
      tombstone?.reason ?? null,
      tombstone?.lifeMs ?? NO_KEY,
      session?.subscription || null,
      session?.subscriptionLifeMs ?? NO_KEY,
    ]
  })
  const index = inOrder(world.index).flat().join(' ')
  return [...portrait, index, world.index.size === 0 ? NO_KEY : world.indexLifeMs]
}

/** The layout of `lua/record.lua`, written a second time and independently. */
function portraySession(session: StoredSession, uidHash: string): string {
  const { kind, rotation, endsAt, scopes, description, subscription } = session
  const { c, t, a, p, o, s, q, q2, q3, k } = rotation
  const r = Buffer.alloc(47)
  r.write(kind, 0, 1, 'latin1')
  r.writeUInt32BE(c, 1)
  r.writeUIntBE(endsAt, 5, 6)
  for (const [i, time] of [t, a, session.expiresAt, session.createdAt].entries())
    r.writeUIntBE(Math.min(endsAt - time, 2 ** 40 - 1), 11 + 5 * i, 5)
  for (const [i, time] of [p, o].entries()) r.writeUIntBE(t - time, 31 + 3 * i, 3)
  for (const [i, branch] of [s, q, q2, q3].entries()) r.writeUInt8(branch === NONE ? 255 : branch, 37 + i)
  r.writeUInt8(k, 41)
  r.writeUIntBE(session.idleMs, 42, 5)
  const use = useText(session)
  const fields = [r.toString('latin1'), uidHash + use, scopes, description, subscription ? '1' : '']
  return [...fields, fields.filter((field) => field !== '').length].join('|')
}

/** A record keeps p and o as distances back from t, of three bytes. */
function asKept(state: Rotation): Rotation {
  const { t, p, o } = state
  const kept = (time: number) => t - Math.min(Math.max(0, t - time), 2 ** 24 - 1)
  return { ...state, p: kept(p), o: kept(o) }
}

function inOrder(index: ReadonlyMap<string, number>): [handle: string, goneAt: number][] {
  return [...index].sort(([h1, e1], [h2, e2]) => e1 - e2 || (h1 < h2 ? -1 : 1))
}

/** The keys that exist. */
export function keysIn({ records, index, tombstones }: Keys, place: Place): string[] {
  return [
    ...[...records.keys()].map((handle) => sessionKey(place.tag, handle)),
    ...[...records.values()]
      .filter(({ subscription }) => subscription !== '')
      .map(({ handle }) => subscriptionKey(place.tag, handle)),
    ...[...tombstones.keys()].map((handle) => tombstoneKey(place.tag, handle)),
    ...(index.size > 0 ? [sessionsOfKey(place)] : []),
  ]
}

export function changeAccount(
  world: World,
  becomes: 'suspended' | 'restored' | 'cut-off' | 'removed' | { passwordMark: string },
  doc: string,
): void {
  const { account, now } = world
  if (becomes === 'removed') world.account = undefined
  else if (becomes === 'restored')
    world.account = { doc, notBefore: undefined, passwordMark: undefined, ...account, suspended: false }
  else if (account !== undefined && typeof becomes === 'object') Object.assign(account, becomes)
  else if (account !== undefined && becomes === 'suspended') account.suspended = true
  else if (account !== undefined) account.notBefore = now + 1
}

function facts(session: StoredSession) {
  const { handle, kind, createdAt, expiresAt, endsAt, scopes } = session
  return [handle, kind, createdAt, expiresAt, endsAt, scopes]
}

const lastSeen = ({ lastUse, rotation: { t, a } }: StoredSession): number => Math.max(lastUse.at, t, a)

const timeBytes = (at: number): number[] => {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(at, 0, 6)
  return [...bytes]
}

export const useText = ({ lastUse }: StoredSession): string =>
  String.fromCharCode(...timeBytes(lastUse.at), ...lastUse.bytes)

function drop(world: World, session: StoredSession): void {
  world.records.delete(session.handle)
  world.index.delete(session.handle)
}

function bury(world: World, session: StoredSession, reason: string): void {
  drop(world, session)
  const lifeMs = Math.max(session.endsAt - world.now, HOUR_MS)
  world.tombstones.set(session.handle, { reason, lifeMs })
}

function enlist(world: World, session: StoredSession, goneAt: number): void {
  world.index.set(session.handle, Math.ceil(goneAt / 1000))
  world.indexLifeMs = 1000 * Math.max(...world.index.values()) - world.now
}

function slide(world: World, session: StoredSession, usedAt: number, handsOut = false): void {
  const { idleMs, endsAt, expiresAt } = session
  const asUsed = Math.min(usedAt + idleMs, endsAt)
  const later = Math.min(Math.max(usedAt + idleMs, expiresAt + 1000), endsAt)
  const till = handsOut && expiresAt <= usedAt + idleMs + 9000 ? later : asUsed
  const gainMs = till - expiresAt
  if (gainMs <= 0 || (!handsOut && gainMs < idleMs / 1000)) return
  session.expiresAt = till
  session.lifeMs = till - world.now
  if (session.subscription) session.subscriptionLifeMs = session.lifeMs
  enlist(world, session, till)
}

/** The live and lingering sessions of the account, or `only` that one, by the moment they go; the others are taken out. */
function siblings(world: World, notBefore: number, only = ''): StoredSession[] {
  return inOrder(world.index).flatMap(([handle]) => {
    if (only !== '' && handle !== only) return []
    const session = world.records.get(handle)
    if (session === undefined) world.index.delete(handle)
    else if (world.now >= session.expiresAt && session.kind !== 'jwt') drop(world, session)
    else if (session.createdAt < notBefore) bury(world, session, 'cut-off')
    else return [session]
    return []
  })
}

function prune(world: World): void {
  for (const [handle, goneAt] of world.index) if (1000 * goneAt <= world.now) world.index.delete(handle)
}

export interface Wanted {
  handle: string
  kind: Kind
  scopes: string
  description: string
  use: readonly number[]
  life: Required<LifePolicy>
  warrant: Warrant | undefined
}

export function open(world: World, wanted: Wanted): unknown[] {
  const { account, now } = world
  const { handle, kind, description, life, warrant } = wanted
  if (account === undefined) return ['unknown']
  if (account.suspended) return ['suspended']
  if (world.tombstones.has(handle)) return ['revoked']
  if (warrant !== undefined && 'passwordMark' in warrant) {
    if (account.passwordMark !== warrant.passwordMark) return ['wrong-password']
  } else if (warrant !== undefined) {
    const opener = world.records.get(warrant.sessionHandle)
    if (opener === undefined || opener.createdAt < (account.notBefore ?? 0)) return ['revoked']
  }
  const there = world.records.get(handle)
  if (there !== undefined) return ['opened', facts(there), account.doc, []]

  prune(world)
  const evicted: string[] = []
  const mayNotShare = kind === 'jwt' && description !== ''
  if (mayNotShare || world.index.size >= life.maxSessions) {
    const rivals = siblings(world, account.notBefore ?? 0)
      .filter((one) => one.kind === kind && one.expiresAt > now)
      .sort(
        (x, y) => lastSeen(x) - lastSeen(y) || x.createdAt - y.createdAt || (x.handle < y.handle ? -1 : 1),
      )
    if (mayNotShare && rivals.some((one) => one.description === description)) return ['description-taken']
    for (const one of rivals.slice(0, Math.max(0, rivals.length - life.maxSessions + 1))) {
      bury(world, one, 'evicted')
      evicted.push(one.handle)
    }
  }

  const createdAt = Math.max(now, account.notBefore ?? 0)
  const endsAt = createdAt + life.absoluteMs
  const expiresAt = kind === 'jwt' ? endsAt : Math.min(now + life.idleMs, endsAt)
  const goneAt = kind === 'jwt' ? endsAt + life.lingerMs : expiresAt
  const session: StoredSession = {
    ...{ handle, kind, scopes: wanted.scopes, description, expiresAt, endsAt, idleMs: life.idleMs },
    rotation: asKept(newborn(now, kind === 'rotating' ? 1 : 0)),
    createdAt,
    lastUse: { at: now, bytes: wanted.use },
    subscription: '',
    subscriptionLifeMs: NO_KEY,
    lifeMs: goneAt - now,
  }
  world.records.set(handle, session)
  enlist(world, session, goneAt)
  return ['opened', facts(session), account.doc, evicted]
}

export interface Presenting extends Claim {
  handle: string
  uidHash: string
}

export interface Presented {
  /** The script's reply to this presentation. */
  reply: string | unknown[]
  /** What it adds to the facts of those that were accepted. */
  facts?: string
  /** The generation and branch that a client gets with it. */
  handOut?: readonly [n: number, b: number]
  /** The rows of the transition table that spoke. */
  rows: readonly number[]
}

export function present(world: World, claim: Presenting, policy: RotationPolicy): Presented {
  const { account, now } = world
  const session = world.records.get(claim.handle)
  const tombstone = world.tombstones.get(claim.handle)
  if (session === undefined)
    return { rows: [0], reply: tombstone === undefined ? ['unknown'] : ['revoked', tombstone.reason] }
  if (claim.uidHash !== '' && claim.uidHash !== world.uidHash) return { rows: [], reply: ['mismatch'] }
  if (now >= session.expiresAt) {
    if (session.kind !== 'jwt') drop(world, session)
    return { rows: [1], reply: ['expired'] }
  }
  if (account === undefined) {
    drop(world, session)
    return { rows: [], reply: ['unknown'] }
  }
  if (account.suspended) return { rows: [], reply: ['suspended'] }
  if (session.createdAt < (account.notBefore ?? 0)) {
    bury(world, session, 'cut-off')
    return { rows: [], reply: ['revoked', 'cut-off'] }
  }

  const still = { verdict: 'current', handOut: [0, 0], state: session.rotation, event: '', rows: [] } as const
  const { verdict, handOut, state, event, rows } =
    session.kind === 'rotating' ? judge(session.rotation, claim, policy, now) : still
  session.rotation = asKept(state)
  const theft = verdict === 'fork' || verdict === 'replay'
  if (verdict === 'reissue-limit' || (theft && policy.onReplay === 'revoke')) bury(world, session, verdict)
  else if (!theft && verdict !== 'ahead') slide(world, session, now, handOut[0] > 0)
  const refused = theft || verdict === 'reissue-limit' || verdict === 'ahead'
  if (refused) return { rows, reply: [verdict, event, account.doc, facts(session), useText(session)] }
  return {
    rows,
    reply: account.doc,
    facts: acceptedFacts(session, now, verdict, handOut, event),
    ...(handOut[0] > 0 && { handOut }),
  }
}

/** The layout of `lua/present.lua`, written a second time and independently. */
function acceptedFacts(
  session: StoredSession,
  now: number,
  verdict: Judgement['verdict'],
  [n, b]: Judgement['handOut'],
  event: Judgement['event'],
): string {
  const { kind, createdAt, expiresAt, endsAt, scopes, rotation } = session
  const packed = Buffer.alloc(48)
  packed.write(`${verdict === 'reissued' ? 'i' : verdict[0]}${kind[0]}`, 'latin1')
  packed.writeUInt32LE(n, 2)
  packed.writeUInt8(b, 6)
  const times = [now - rotation.t, expiresAt - now, createdAt, expiresAt, endsAt]
  for (const [i, time] of times.entries()) packed.writeDoubleLE(time, 7 + 8 * i)
  packed.writeUInt8(event.length, 47)
  const scopesLength = Buffer.alloc(4)
  scopesLength.writeUInt32LE(scopes.length)
  return packed.toString('latin1') + event + scopesLength.toString('latin1') + scopes
}

export function revoke(world: World, handle: string, reason: string, uidHash: string): unknown {
  const session = world.records.get(handle)
  if (session === undefined || (uidHash !== '' && uidHash !== world.uidHash)) return null
  bury(world, session, reason)
  return [facts(session), world.account?.doc ?? null, useText(session)]
}

export function revokeAll(world: World, reason: string, except: string): string[] {
  const doomed = siblings(world, 0).filter(({ handle }) => handle !== except)
  for (const session of doomed) bury(world, session, reason)
  return doomed.map(({ handle }) => handle)
}

export function list(world: World, only: string): unknown {
  prune(world)
  const listed = siblings(world, world.account?.notBefore ?? 0, only)
  const rows = listed.map((one) => [
    facts(one),
    lastSeen(one),
    useText(one),
    one.description || null,
    one.subscription ? '1' : null,
  ])
  return [world.account?.doc ?? null, ...rows]
}

export function touch(world: World, handle: string, ageMs: number, bytes: readonly number[]): string[] {
  const session = world.records.get(handle)
  if (session === undefined || world.now >= session.expiresAt) return []
  const at = world.now - ageMs
  if (at >= session.lastUse.at || session.lastUse.at > world.now) {
    session.lastUse = { at, bytes }
    slide(world, session, at)
  }
  return [handle]
}

/** `sealed` is '' to take away; then only `only`, if that is not ''. */
export function subscribe(
  world: World,
  handle: string,
  uidHash: string,
  sealed: string,
  only: string,
): string | null {
  const session = world.records.get(handle)
  if (session === undefined || uidHash !== world.uidHash || world.now >= session.expiresAt) return null
  const had = session.subscription
  if (sealed === '' && (had === '' || (only !== '' && only !== had))) return 'without'
  session.subscription = sealed
  session.subscriptionLifeMs = sealed === '' ? NO_KEY : session.expiresAt - world.now
  return sealed === '' ? 'unsubscribed' : 'subscribed'
}
