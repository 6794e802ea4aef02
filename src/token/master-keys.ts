/** The master keys behind countersigned tokens. They live in the configuration of the service, never in Redis. */
import { randomBytes } from 'node:crypto'

const KEY_BYTES = 32

export interface MasterKeys {
  /** The id (0 to 255) of the key that new tokens are signed with. */
  currentId: number
  /** All keys whose tokens are still accepted, by id. */
  byId: ReadonlyMap<number, Buffer>
}

/**
 * Reads a key ring: `id:key` pairs separated by commas, the first being current. An id is 0 to 255, a key is 32 bytes
 * as base64url. To rotate, put a new key in front and keep the old one until its last session has ended.
 *
 * @throws Error naming the entry by its position (never by its content) and how to mend it
 */
export function parseMasterKeys(ring: string): MasterKeys {
  const byId = new Map<number, Buffer>()
  const entries = ring.split(',').map((entry) => entry.trim())
  for (const [index, entry] of entries.entries()) {
    const where = `key ${index + 1} of ${entries.length}`
    const [, id, text] = /^(\d{1,3}):([A-Za-z0-9_-]+)=?$/.exec(entry) ?? []
    if (id === undefined || text === undefined || Number(id) > 255)
      throw new Error(`${where} must look like id:key, with an id from 0 to 255 and a key in base64url`)
    const key = Buffer.from(text, 'base64url')
    if (key.length !== KEY_BYTES) throw new Error(`${where} must be ${KEY_BYTES} bytes, not ${key.length}`)
    if (new Set(key).size < 8) throw new Error(`${where} is not random: generate it with a CSPRNG`)
    if (byId.has(Number(id))) throw new Error(`${where} repeats the id ${Number(id)}`)
    byId.set(Number(id), key)
  }
  const [currentId] = byId.keys()
  return { currentId: currentId ?? 0, byId }
}

/** @returns a fresh ring of one key, in the form that `parseMasterKeys` reads */
export function generateMasterKeys(): string {
  return `1:${randomBytes(KEY_BYTES).toString('base64url')}`
}
