/** A Redis that is being loaded with sessions in great number. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'

/**
 * Lets `act` write without a file beside it, which would be written anew again and again; then the file is made, in one go, and
 * will not be again: that would take time from what is measured.
 */
export async function load<T>(redis: Redis, act: () => Promise<T>): Promise<T> {
  await redis.config('SET', 'appendonly', 'no')
  const result = await act()
  await redis.config('SET', 'appendonly', 'yes', 'auto-aof-rewrite-percentage', '0')
  for (let isWriting = true; isWriting; ) {
    await delay(100)
    isWriting = !/^aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0/m.test(
      await redis.info('persistence'),
    )
  }
  return result
}
