/** What every service under measurement is started with. */
import { join } from 'node:path'
import type { Environment } from './scenario.js'

/** @param masterKeys in the form of `COUNTERSIGN_KEYS` */
export function environmentOf(redisUrl: string, masterKeys: string, dir: string): Environment {
  return {
    HOST: '127.0.0.1',
    PORT: '0',
    REDIS_URL: redisUrl,
    COUNTERSIGN_KEYS: masterKeys,
    COUNTERSIGN_DATA_DIR: join(dir, 'data'),
    COUNTERSIGN_SIGN_UP: 'open',
  }
}
