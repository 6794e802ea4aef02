/** Figures as they were kept and as they are now. */

/** By what was measured, then by what of it. */
export type Figures = Readonly<Record<string, Readonly<Record<string, number>>>>

export const CPU_RATIO = 'CPU over the floor'
export const BYTES = 'bytes in Redis'

interface Difference {
  readonly of: string
  readonly figure: string
  readonly kept: number | undefined
  readonly got: number | undefined
}

/** What may differ without anything being wrong; all other figures are exact. */
function isWithin(figure: string, kept: number, got: number): boolean {
  if (figure === CPU_RATIO) return got <= kept * 1.5 // a busy machine is no regression, nor is being faster
  if (figure === BYTES) return Math.abs(got - kept) <= kept * 0.05
  return got === kept
}

/** @returns what is not as it was kept; nothing is said of what was not measured now */
export function differences(kept: Figures, now: Figures): Difference[] {
  return Object.entries(now).flatMap(([of, figures]) => {
    const before = kept[of] ?? {}
    const names = [...new Set([...Object.keys(before), ...Object.keys(figures)])]
    return names.flatMap((figure) => {
      const [was, is] = [before[figure], figures[figure]]
      if (was !== undefined && is !== undefined && isWithin(figure, was, is)) return []
      return [{ of, figure, kept: was, got: is }]
    })
  })
}

/** @returns the kept figures with those that differ as they are now; what differs by noise alone stays */
export function accept(kept: Figures, now: Figures): Figures {
  const accepted: Record<string, Record<string, number>> = {}
  for (const [of, figures] of Object.entries({ ...kept, ...now })) accepted[of] = { ...(kept[of] ?? figures) }
  for (const { of, figure, got } of differences(kept, now)) {
    const figures = accepted[of] ?? {}
    if (got === undefined) delete figures[figure]
    else figures[figure] = got
  }
  return accepted
}

/** One line for each. */
export function describe(all: readonly Difference[]): string {
  const said = (value: number | undefined) => (value === undefined ? 'none' : String(value))
  return all
    .map(({ of, figure, kept, got }) => `${of}: ${figure}: kept ${said(kept)}, got ${said(got)}`)
    .join('\n')
}
