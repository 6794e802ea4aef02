/** One line that says what is going on: rewritten in place on a terminal, a line every few seconds in a log. */
export interface ProgressLine {
  /** @param share of the whole that is done, 0 to 1 */
  show(what: string, share?: number): void
  /** Ends it. */
  clear(): void
}

const REWRITE_MS = 1_000
const LOG_MS = 5_000

export function progressLine(out: { write(text: string): unknown; isTTY?: boolean }): ProgressLine {
  const startedAt = performance.now()
  let shown = ''
  let done = 0
  const say = () => {
    const line = `${shown}${times((performance.now() - startedAt) / 1000, done)}`
    out.write(out.isTTY ? `\r\x1b[K${line}` : `${line}\n`)
  }
  const timer = setInterval(say, out.isTTY ? REWRITE_MS : LOG_MS).unref()
  return {
    show(what, share = done) {
      const isFirst = shown === ''
      shown = what
      done = share
      if (out.isTTY || isFirst) say()
    },
    clear() {
      clearInterval(timer)
      if (out.isTTY) out.write('\r\x1b[K')
    },
  }
}

/** @returns nothing before there is something to say */
function times(elapsed: number, done: number): string {
  if (elapsed < 1) return ''
  const left = done > 0 ? `, about ${clock((elapsed / done) * (1 - done))} to go` : ''
  return ` (${clock(elapsed)}${left})`
}

function clock(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
