/**
 * Plays a scenario on the scripts in a real Redis, and compares after every step what was answered and everything that
 * is stored with what the model says: each byte of each record, the account's set, tombstones, times to live.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Redis } from 'ioredis'
import { placeOf } from '../src/store/keys.js'
import { assemble, sessionScripts } from '../src/store/scripts.js'
import { type Scenario, SLOTS, type Step } from './interleavings.js'
import { type Commands, handleOf, stage } from './staging.js'

export interface Mismatch {
  step: Step
  position: number
  expected: unknown
  actual: unknown
}

export interface Player {
  /** @returns the first mismatch */
  play(scenario: Scenario): Promise<Mismatch | undefined>
  /** How often each row of the transition table has spoken. */
  readonly rows: ReadonlyMap<number, number>
  /** How many steps were compared. */
  readonly steps: number
}

/** How much further a time to live may have run down: the model's stands still between the steps. */
const TTL_SLACK_MS = 20_000

/** Everything stored of an account's sessions, in the shape of `store-model.ts`'s `portray`: its tag, its uid hash, the handles. */
const INSPECT = `
local tag, portrait = '{' .. ARGV[1] .. '}:', {}
local function add(content, key)
  portrait[#portrait + 1] = content
  portrait[#portrait + 1] = redis.call('PTTL', key)
end
for i = 3, #ARGV do
  local record = 'cs:' .. tag:sub(1, -2) .. ARGV[i]
  local tombstone, subscription = 'cs:rv:' .. tag .. ARGV[i], 'cs:ps:' .. tag .. ARGV[i]
  local fields = redis.call('HMGET', record, 'r', 'u', 's', 'd', 'n')
  for f = 1, 5 do fields[f] = fields[f] or '' end
  add(table.concat(fields, '|') .. '|' .. redis.call('HLEN', record), record)
  add(redis.call('GET', tombstone), tombstone)
  add(redis.call('GET', subscription), subscription)
end
local set = 'cs:u:' .. tag .. ARGV[2]
add(table.concat(redis.call('ZRANGE', set, 0, -1, 'WITHSCORES'), ' '), set)
return portrait
`

/** @param read where the parts of the scripts come from; absent: `src/store/lua/` */
export async function createPlayer(redis: Redis, read?: (part: string) => string): Promise<Player> {
  // By EVALSHA, because in a pipeline of its own ioredis sends a defined command's whole text again.
  const load = async (lua: string) => String(await redis.script('LOAD', lua))
  const loaded = sessionScripts.map(async (one) => [one.command, await load(assemble(one, read))] as const)
  const shas = new Map(await Promise.all(loaded))
  const inspect = await load(INSPECT)
  const rows = new Map<number, number>()
  let accounts = 0
  let steps = 0
  return {
    rows,
    get steps() {
      return steps
    },
    async play(scenario) {
      const place = placeOf(`player ${++accounts}`)
      const handles = Array.from({ length: SLOTS }, (_, slot) => handleOf(place, slot))
      const staged = stage(scenario, place, rows)
      steps += staged.length
      const pipeline = redis.pipeline()
      const commands: Commands = {
        pipeline,
        script: (command, keys, ...args) =>
          pipeline.callBuffer('evalsha', shas.get(command) ?? '', keys.length, ...keys, ...args),
      }
      const lengths = staged.map(({ send }) => {
        send(commands)
        pipeline.callBuffer('evalsha', inspect, 0, place.tag, place.uidHash, ...handles)
        return pipeline.length
      })
      const replies = (await pipeline.exec()) ?? []
      for (const [position, { step, expected, portrait }] of staged.entries()) {
        const after = lengths[position] ?? 0
        const [error, reply] = replies[after - 2] ?? []
        const answer = readable(error?.message ?? reply)
        if (expected !== undefined && !isDeepStrictEqual(answer, expected))
          return { step, position, expected, actual: answer }
        const found = readable(replies[after - 1]?.[1]) as (string | number | null)[]
        if (portrait.length !== found.length || !portrait.every((content, i) => agrees(content, found[i])))
          return { step, position, expected: portrait.map(legible), actual: found.map(legible) }
      }
      return undefined
    },
  }
}

/** Buffers as Latin-1 text, so that bytes compare and print. */
function readable(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString('latin1')
  return Array.isArray(reply) ? reply.map(readable) : reply
}

/** Numbers are times to live. */
function agrees(expected: string | number | null, found: string | number | null | undefined): boolean {
  if (typeof expected !== 'number' || typeof found !== 'number') return found === expected
  return found === expected || (found >= 0 && found <= expected && found > expected - TTL_SLACK_MS)
}

/** A record's packed field by names, for people; times as distances back from x, p and o from t. */
function legible(content: string | number | null): unknown {
  if (typeof content !== 'string' || content[47] !== '|') return content
  const r = Buffer.from(content.slice(0, 47), 'latin1')
  const back = (at: number) => r.readUIntBE(at, 5)
  return {
    ...{ kind: r.toString('latin1', 0, 1), c: r.readUInt32BE(1), x: r.readUIntBE(5, 6) },
    ...{ t: back(11), a: back(16), e: back(21), created: back(26) },
    ...{ p: r.readUIntBE(31, 3), o: r.readUIntBE(34, 3) },
    ...{ s: r[37], q: r[38], q2: r[39], q3: r[40], k: r[41], idle: back(42) },
    others: content.slice(48),
  }
}
