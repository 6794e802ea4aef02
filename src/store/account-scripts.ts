/** The scripts behind accounts, as typed commands. Each file in `lua/` opens with its contract. */
import type { Result } from 'ioredis'
import type { RedisClient } from './connect.js'
import { readPart } from './scripts.js'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    accountWrite(
      accountKey: string,
      intentKey: string,
      docAsRead: string,
      doc: string,
      intent: string,
      passwordHash: string,
    ): Result<'written' | 'changed', Context>
    accountMark(
      accountKey: string,
      what: 'password' | 'suspend' | 'restore' | 'cut-off',
      passwordHash: string,
    ): Result<'done' | 'unknown', Context>
    loginSwap(key: string, asRead: string, value: string): Result<'swapped' | 'changed', Context>
  }
}

const scripts = [
  { command: 'accountWrite', part: 'account-write', numberOfKeys: 2 },
  { command: 'accountMark', part: 'account-mark', numberOfKeys: 1 },
  { command: 'loginSwap', part: 'login-swap', numberOfKeys: 1 },
]

/** Teaches `redis` the commands above. */
export function defineAccountScripts(redis: RedisClient): void {
  for (const { command, part, numberOfKeys } of scripts)
    redis.defineCommand(command, { numberOfKeys, lua: readPart(part) })
}
