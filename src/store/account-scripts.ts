/** The scripts behind accounts, as typed commands. Each file in `lua/` opens with its contract. */
import type { Result } from 'ioredis'
import type { RedisClient } from './connect.js'
import { assemble } from './scripts.js'

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
  { command: 'accountWrite', parts: ['signal', 'account-write'], numberOfKeys: 2 },
  { command: 'accountMark', parts: ['signal', 'account-mark'], numberOfKeys: 1 },
  { command: 'loginSwap', parts: ['login-swap'], numberOfKeys: 1 },
]

/** Teaches `redis` the commands above. */
export function defineAccountScripts(redis: RedisClient): void {
  for (const script of scripts)
    redis.defineCommand(script.command, { numberOfKeys: script.numberOfKeys, lua: assemble(script) })
}
