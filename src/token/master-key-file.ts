/** The key ring of a service that has its Redis to itself: a file in its data folder, made at the first start. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { generateMasterKeys, type MasterKeys, parseMasterKeys } from './master-keys.js'

/**
 * Reads the ring in `file`, or generates one there that only we may read. It is on disk before it is used: sessions that
 * outlived the key which signed their tokens would be lost.
 *
 * @throws Error naming the file
 */
export async function openMasterKeyFile(file: string): Promise<MasterKeys> {
  try {
    return parseMasterKeys((await readFile(file, 'utf8')).trim())
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      throw new Error(`${file} holds no key ring: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      })
  }
  const ring = generateMasterKeys()
  await writeFile(`${file}.new`, `${ring}\n`, { mode: 0o600, flush: true })
  await rename(`${file}.new`, file)
  return parseMasterKeys(ring)
}
