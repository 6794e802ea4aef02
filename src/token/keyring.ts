/**
 * The keys behind the JWTs as this instance knows them: a copy of the shared ring (`shared-ring.ts`), which every
 * request works with and which a look at the store renews.
 *
 * It looks every `refreshMs`, and at once when a token names a key that it does not know, but for that reason not
 * more than once in `cooldownMs`: a flood of made-up names costs next to nothing and displaces no key. A look that
 * fails changes nothing; the instance goes on with what it has.
 */
import type { JsonWebKey } from 'node:crypto'
import { StoreUnavailable } from '../errors.js'
import { type RingKey, turn } from './key-rotation.js'
import type { MasterKeys } from './master-keys.js'
import { createSealer } from './sealed.js'
import type { KeyRecords, Look } from './shared-ring.js'
import { createSharedRing } from './shared-ring.js'
import type { JwtAlgorithm, SigningKey, VerifyingKey } from './signing-keys.js'
import { keyOfSecret, signingKeyOf, verifyingKeyOf } from './signing-keys.js'

/** From now on another key signs. `previous` is undefined when no key of the ring did before. */
export interface KeyRotation {
  kid: string
  alg: JwtAlgorithm
  previous: string | undefined
}

export interface KeyRingOptions {
  records: KeyRecords
  master: MasterKeys
  /** What signs. The keys of an algorithm that was configured earlier still verify until their tokens have expired. */
  alg: JwtAlgorithm
  /** Required for `HS256`; with another algorithm, tokens that it has signed are still good. */
  secret?: Buffer | undefined
  /** How long a key signs. */
  periodMs: number
  /** The longest life of a JWT. */
  lifeMs: number
  /** How long a verifier may cache the JWKS. */
  jwksMaxAgeMs: number
  refreshMs?: number
  cooldownMs?: number
  /** Whether the ring is only read: making and turning its keys, by the times above, is left to others. */
  follows?: boolean
  /** Called after the fact on the instance that made the step, once for each. */
  onRotation?(rotation: KeyRotation): void
  /** Called when looking at the ring begins to fail. */
  onFault?(fault: unknown): void
}

export interface KeyRing {
  /**
   * Looks at the ring for the first time and keeps looking. An absent store is no reason to fail: it is tried again.
   *
   * @throws Error saying what to mend when the ring does not open with the configured master keys
   */
  start(): Promise<void>
  stop(): void
  /** Looks now and does what is due, or joins a look that is under way. */
  refresh(): Promise<void>
  /** @throws StoreUnavailable as long as the ring has not been seen */
  signingKey(): SigningKey
  /** The key named `kid`, from memory. It is the same object for as long as the key is good. */
  verifyingKey(kid: string): VerifyingKey | undefined
  /**
   * The key named `kid`, after another look if the last one is long enough ago.
   *
   * @throws StoreUnavailable when the key is unknown and the last look failed: then nobody can tell
   */
  seekVerifyingKey(kid: string): Promise<VerifyingKey | undefined>
  /** The public keys (RFC 7517): the same object until they change. @throws StoreUnavailable like `signingKey` */
  jwks(): { readonly keys: readonly JsonWebKey[] }
  /** ms since the epoch by the store's clock, or by our own as long as that is unknown. */
  now(): number
}

const PURPOSE = 'countersign jwt key ring 1'
const REFRESH_MS = 60_000
const COOLDOWN_MS = 10_000
/** How soon to look again after a look that failed. */
const RETRY_MS = 1_000
/** How many looks in a row may fail before a key signs that this instance has not published. */
const MISSED_LOOKS = 5

/** Makes this instance's copy of the ring; `start` fills it. */
export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { alg, periodMs, lifeMs, jwksMaxAgeMs, refreshMs = REFRESH_MS, cooldownMs = COOLDOWN_MS } = options
  if (alg === 'HS256' && options.secret === undefined) throw new Error('HS256 needs a secret')
  const secretKeys = options.secret ? [keyOfSecret(options.secret)] : []
  const times = { periodMs, lifeMs, leadMs: jwksMaxAgeMs + MISSED_LOOKS * refreshMs }
  const lookAndTurn = createSharedRing<RingKey>(options.records, createSealer(options.master, PURPOSE))

  let keys: ReadonlyMap<string, VerifyingKey> = new Map(secretKeys.map((key) => [key.kid, key]))
  let signing: SigningKey | undefined = alg === 'HS256' ? secretKeys[0] : undefined
  let latest: (Look<RingKey> & { jwks: { keys: JsonWebKey[] }; at: number }) | undefined

  let looking: Promise<void> | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let fault: unknown
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  function refresh(): Promise<void> {
    looking ??= look().finally(() => {
      looking = undefined
    })
    return looking
  }

  async function look(): Promise<void> {
    lookedAt = performance.now()
    try {
      const plan = { alg, starting: latest === undefined, times }
      const found = await lookAndTurn(async (ring, nowMs) =>
        options.follows ? ring : turn(ring, nowMs, plan),
      )
      install(found)
      announce(found)
      fault = undefined
    } catch (error) {
      if (fault === undefined) options.onFault?.(error)
      fault = error
      throw error
    }
  }

  function install(found: Look<RingKey>): void {
    const at = performance.now()
    if (latest?.ring === found.ring) {
      latest = { ...latest, ...found, at }
      return
    }
    const verifying = found.ring.map((key) => keys.get(key.kid) ?? verifyingKeyOf(key.alg, key.jwk))
    const current = currentOf(found.ring)
    if (alg !== 'HS256' && current !== undefined && current.kid !== signing?.kid)
      signing = signingKeyOf(current.alg, current.jwk)
    keys = new Map([...verifying, ...secretKeys].map((key) => [key.kid, key]))
    const published = verifying.map((key) => key.publicJwk).filter((jwk) => jwk !== undefined)
    latest = { ...found, at, jwks: { keys: published } }
  }

  function announce({ before, ring }: Look<RingKey>): void {
    const previous = currentOf(before)?.kid
    const current = currentOf(ring)
    if (previous === current?.kid) return
    const { kid, alg } = current ?? known(signing)
    options.onRotation?.({ kid, alg, previous })
  }

  function lookLater(): void {
    if (isStopped) return
    const inMs = fault === undefined ? refreshMs : Math.min(refreshMs, RETRY_MS)
    timer = setTimeout(() => refresh().then(lookLater, lookLater), inMs).unref()
  }

  function known<T>(value: T | undefined): T {
    if (value === undefined) throw new StoreUnavailable(fault)
    return value
  }

  return {
    async start() {
      await refresh().catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) throw error
      })
      lookLater()
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
    refresh,
    signingKey: () => known(signing),
    verifyingKey: (kid) => keys.get(kid),
    async seekVerifyingKey(kid) {
      if (looking !== undefined || performance.now() - lookedAt >= cooldownMs) await refresh().catch(() => {})
      const key = keys.get(kid)
      if (key === undefined && fault !== undefined) throw new StoreUnavailable(fault)
      return key
    },
    jwks: () => known(latest).jwks,
    now: () => (latest === undefined ? Date.now() : latest.nowMs + performance.now() - latest.at),
  }
}

function currentOf(ring: readonly RingKey[]): RingKey | undefined {
  return ring.find((key) => key.state === 'current')
}
