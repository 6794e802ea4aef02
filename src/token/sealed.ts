/**
 * Texts that are kept in Redis but only readable by whoever has the master keys: AES-256-GCM under a key that HKDF
 * (RFC 5869) derives from a master key for one purpose.
 *
 *     sealed = <master key id> "." base64url( nonce:12 ‖ ciphertext ‖ tag:16 )
 *
 * The purpose and the master key's id are authenticated too, so a sealed text is good for nothing but what it was
 * sealed for. Master keys rotate: any key of the ring opens, the current one seals.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { MasterKeys } from './master-keys.js'

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const FORM = /^(\d{1,3})\.([A-Za-z0-9_-]+)$/

export interface Sealer {
  /** Encrypts `text` under the current master key; never twice to the same result. */
  seal(text: string): string
  /**
   * Decrypts what `seal` returned. `outdated`: an older key of the ring had sealed it, seal it anew.
   *
   * @throws Error saying what to mend, when no key of the ring opens it
   */
  open(sealed: string): { text: string; outdated: boolean }
}

/** Makes the sealer of one master key ring for one `purpose`, a constant of the caller's own. */
export function createSealer(master: MasterKeys, purpose: string): Sealer {
  const keys = new Map(
    [...master.byId].map(([id, key]) => [id, Buffer.from(hkdfSync('sha256', key, '', purpose, 32))]),
  )
  const boundTo = (id: number) => Buffer.from(`${purpose}\0${id}`)

  return {
    seal(text) {
      const key = keys.get(master.currentId)
      if (key === undefined) throw new Error(`the master key ring has no key ${master.currentId}`)
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(boundTo(master.currentId))
      const parts = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return `${master.currentId}.${Buffer.concat(parts).toString('base64url')}`
    },

    open(sealed) {
      const [, idText, body] = FORM.exec(sealed) ?? []
      const id = Number(idText)
      const bytes = Buffer.from(body ?? '', 'base64url')
      if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error(`${purpose}: not a sealed text`)
      const key = keys.get(id)
      if (key === undefined)
        throw new Error(`${purpose}: sealed with master key ${id}; put that key back behind the current one`)
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(boundTo(id))
        .setAuthTag(bytes.subarray(-TAG_BYTES))
      try {
        const text = Buffer.concat([
          decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)),
          decipher.final(),
        ])
        return { text: text.toString('utf8'), outdated: id !== master.currentId }
      } catch {
        throw new Error(
          `${purpose}: altered, or sealed with another master key ${id} than the configured one`,
        )
      }
    },
  }
}
