import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** The files that are there: path → a signature that changes whenever the file does. */
export type Files = ReadonlyMap<string, string>

/**
 * Looks at files and folders (their `*.mmdb` files, not those of folders inside them). What is not there, or is no
 * regular file, is left out; what may not be looked at as well, after it was reported to `onProblem`.
 */
export async function scan(paths: readonly string[], onProblem: (problem: string) => void): Promise<Files> {
  const files = new Map<string, string>()
  const look = async (path: string, inside: boolean): Promise<void> => {
    try {
      const seen = await stat(path)
      if (seen.isFile()) files.set(path, `${seen.ino} ${seen.size} ${seen.mtimeMs} ${seen.ctimeMs}`)
      if (!seen.isDirectory() || inside) return
      for (const name of await readdir(path)) if (name.endsWith('.mmdb')) await look(join(path, name), true)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      if (!('code' in error && error.code === 'ENOENT')) onProblem(error.message)
    }
  }
  for (const path of paths) await look(path, false)
  return files
}

/** @returns whether nothing changed between two looks */
export function sameFiles(one: Files, other: Files): boolean {
  return one.size === other.size && [...one].every(([path, signature]) => other.get(path) === signature)
}
