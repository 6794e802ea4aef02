/**
 * The key pair by which push services know this service (VAPID, RFC 8292). A browser binds its subscription to the public
 * key, so the pair is made once and for all instances: a ring of one key that never turns.
 */
import type { MasterKeys } from './master-keys.js'
import { createSealer } from './sealed.js'
import { createSharedRing, type KeyRecords } from './shared-ring.js'

/** P-256, both base64url: the public key as an uncompressed point of 65 bytes, the private one of 32 bytes. */
export interface VapidKeys {
  publicKey: string
  privateKey: string
}

const PURPOSE = 'countersign vapid keys 1'

/**
 * @returns what reads the pair, and makes it when there is none. It looks at the store each time, so that instances agree
 * again after a store that lost it; it throws StoreUnavailable, or an Error when the pair does not open with the master keys
 */
export function createVapidKeys(parts: {
  records: KeyRecords
  master: MasterKeys
}): () => Promise<VapidKeys> {
  const look = createSharedRing<VapidKeys>(parts.records, createSealer(parts.master, PURPOSE))
  return async () => {
    const { ring } = await look(async (keys) => (keys.length > 0 ? keys : [await generate()]))
    const [keys] = ring
    if (keys === undefined) throw new Error('a ring without a key')
    return keys
  }
}

/** Loaded only by the first instance of all, so that others start sooner. */
async function generate(): Promise<VapidKeys> {
  const { default: webPush } = await import('web-push')
  return webPush.generateVAPIDKeys()
}
