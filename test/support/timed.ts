/**
 * How long answers keep their callers waiting, on machines that are busy with other things. The clock ticks only as often
 * as this process gets to run: what it is kept from running does not count, what it waits for somebody else does.
 */

const TICK_MS = 5

export interface Timed<T> {
  result: T
  /** ms of waiting. */
  tookMs: number
  /** ms by the clock on the wall. */
  elapsedMs: number
}

export async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  let ticks = 0
  const clock = setInterval(() => ticks++, TICK_MS)
  const since = performance.now()
  try {
    const result = await work()
    return { result, tookMs: ticks * TICK_MS, elapsedMs: performance.now() - since }
  } finally {
    clearInterval(clock)
  }
}
