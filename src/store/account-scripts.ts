/** The scripts behind accounts, as typed commands. Each file in `lua/` opens with its contract. */
import { readFileSync } from 'node:fs'
import type { Cluster, Redis, Result } from 'ioredis'

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
  { command: 'accountWrite', file: 'account-write.lua', numberOfKeys: 2 },
  { command: 'accountMark', file: 'account-mark.lua', numberOfKeys: 1 },
  { command: 'loginSwap', file: 'login-swap.lua', numberOfKeys: 1 },
]

/** Teaches `redis` the commands above. */
export function defineAccountScripts(redis: Redis | Cluster): void {
  for (const { command, file, numberOfKeys } of scripts) {
    const lua = readFileSync(new URL(`./lua/${file}`, import.meta.url), 'utf8')
    redis.defineCommand(command, { numberOfKeys, lua })
  }
}
