/**
 * The session scripts as typed commands. Each file in `lua/` opens with its contract; `parts` are put in front of it.
 * Scripts are content-addressed (EVALSHA), so that two releases run side by side on one Redis.
 */
import { readFileSync } from 'node:fs'
import type { Result } from 'ioredis'
import type { RedisClient } from './connect.js'
import type { PresentReply } from './present-reply.js'
import type { Facts, ListEntry, OpenRefusal } from './record.js'

type Argument = string | number | Buffer

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** The number of keys, the keys, and the arguments of `lua/present.lua`. */
    sessionPresentBuffer(...keysAndArguments: Argument[]): Result<PresentReply, Context>
    /** The same where memory has run out: what it writes replaces as many bytes, or fewer. */
    sessionPresentInPlaceBuffer(...keysAndArguments: Argument[]): Result<PresentReply, Context>
    sessionOpen(...keysAndArguments: Argument[]): Result<OpenReply, Context>
    sessionRevokeBuffer(...keysAndArguments: Argument[]): Result<RevokeReply | null, Context>
    sessionRevokeAll(...keysAndArguments: Argument[]): Result<string[], Context>
    sessionListBuffer(...keysAndArguments: Argument[]): Result<ListReply, Context>
    sessionTouch(...keysAndArguments: Argument[]): Result<string[], Context>
    sessionSubscribe(...keysAndArguments: Argument[]): Result<SubscribeReply | null, Context>
  }
}

export type OpenReply =
  | [verdict: 'opened', facts: Facts<string>, doc: string, evicted: string[]]
  | [verdict: OpenRefusal]
export type SubscribeReply = 'subscribed' | 'unsubscribed' | 'without'
export type RevokeReply = [facts: Facts<Buffer>, doc: Buffer | null, lastUse: Buffer]
export type ListReply = [doc: Buffer | null, ...sessions: ListEntry[]]

interface Script {
  command: string
  /** Files of `lua/`, without their ending, in this order. */
  parts: readonly string[]
  /** undefined: the caller says how many. */
  numberOfKeys?: number
  /** Replaces the file's own first line; see `flags` of Redis' EVAL. */
  shebang?: string
}

export const sessionScripts: readonly Script[] = [
  { command: 'sessionPresent', parts: ['record', 'life', 'rotation', 'present'] },
  {
    command: 'sessionPresentInPlace',
    parts: ['record', 'life', 'rotation', 'present'],
    shebang: '#!lua flags=allow-oom',
  },
  { command: 'sessionOpen', parts: ['record', 'siblings', 'open'], numberOfKeys: 3 },
  { command: 'sessionRevoke', parts: ['record', 'revoke'], numberOfKeys: 1 },
  { command: 'sessionRevokeAll', parts: ['record', 'siblings', 'revoke-all'], numberOfKeys: 1 },
  { command: 'sessionList', parts: ['record', 'siblings', 'list'], numberOfKeys: 2 },
  { command: 'sessionTouch', parts: ['record', 'life', 'touch'] },
  { command: 'sessionSubscribe', parts: ['record', 'subscribe'], numberOfKeys: 1 },
]

/** The text of a part, without its ending. */
export function readPart(part: string): string {
  return readFileSync(new URL(`./lua/${part}.lua`, import.meta.url), 'utf8')
}

/** Puts a script together: its shebang, which must come first, then its parts. */
export function assemble({ parts, shebang }: Script, read: (part: string) => string = readPart): string {
  const text = parts.map(read).join('\n')
  const own = /^#!lua.*$/m.exec(text)?.[0]
  const first = shebang ?? own
  const body = own === undefined ? text : text.replace(own, '')
  return first === undefined ? body : `${first}\n${body}`
}

/** @param read where the parts come from; tests put mutants in their place */
export function defineSessionScripts(redis: RedisClient, read?: (part: string) => string): void {
  for (const script of sessionScripts) {
    const { numberOfKeys } = script
    const lua = assemble(script, read)
    redis.defineCommand(script.command, numberOfKeys === undefined ? { lua } : { lua, numberOfKeys })
  }
}
