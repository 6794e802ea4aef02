/** One line that says what is going on: rewritten in place on a terminal, a line per change of scenario in a log. */
export interface ProgressLine {
  show(scenario: string, what: string): void
  clear(): void
}

export function progressLine(out: { write(text: string): unknown; isTTY?: boolean }): ProgressLine {
  let last: string | undefined
  return {
    show(scenario, what) {
      if (out.isTTY) out.write(`\r\x1b[K${scenario}: ${what}`)
      else if (scenario !== last) out.write(`${scenario}\n`)
      last = scenario
    },
    clear() {
      if (out.isTTY) out.write('\r\x1b[K')
    },
  }
}
