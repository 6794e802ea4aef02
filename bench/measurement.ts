/** What is measured in another way than a request beside the floor. */
import type { Bench } from './harness.js'

/** One goal, what was found, and whether that is good enough. */
export interface Verdict {
  /** What is to be reached, in a few words. */
  readonly goal: string
  /** With its sign and unit, such as `≤ 350 bytes`. */
  readonly wanted: string
  /** With its unit. */
  readonly figure: string
  readonly met: boolean
}

export interface Findings {
  /** Goals with what was found; without any, the figures are only told. */
  readonly verdicts: readonly Verdict[]
  /** Lines to print. */
  readonly text: string
  /** By name, with the unit in it: they are kept. */
  readonly figures: Readonly<Record<string, number>>
}

export interface Task extends Bench {
  /** Sessions in Redis where there are many. */
  readonly stored: number
  /** Of lasting load. */
  readonly minutes: number
}

export interface Measurement {
  readonly name: string
  /** A few words on what is measured. */
  readonly about: string
  /** Begins with an empty Redis, `task.redis`. @throws Error when it went wrong */
  measure(task: Task): Promise<Findings>
}

/** A verdict on a figure that should be small; judged as it is printed. */
export function atMost(goal: string, limit: number, figure: number, unit: string, digits = 2): Verdict {
  const printed = figure.toFixed(digits)
  return { goal, wanted: `≤ ${limit}${unit}`, figure: `${printed}${unit}`, met: Number(printed) <= limit }
}

/** A verdict on a figure that should be great; judged as it is printed. */
export function atLeast(goal: string, limit: number, figure: number, unit: string, digits = 2): Verdict {
  const printed = figure.toFixed(digits)
  return { goal, wanted: `≥ ${limit}${unit}`, figure: `${printed}${unit}`, met: Number(printed) >= limit }
}
