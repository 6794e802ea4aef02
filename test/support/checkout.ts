/** What the checkout holds beside programs. Tests run compiled, from `dist-test/test/`, where nothing else is. */
import { fileURLToPath } from 'node:url'

/** @returns the absolute path of a file or folder, of which `path` is relative to the checkout */
export const inCheckout = (path: string): string =>
  fileURLToPath(new URL(`../../../${path}`, import.meta.url))
