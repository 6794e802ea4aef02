/**
 * For how long we wait for Redis. Time in which this process stood still (stopped, without a processor, or with a long piece
 * of work) is not Redis' silence: when it goes on, timers run out before what has arrived meanwhile is read.
 */

const PATIENCE_MS = 250
/** A timer that comes so late has not been waited for: we stood still. */
const LATE_MS = 10
/** For what has arrived to be read, and for a Redis that stood still with us, as both do on a machine that is paused. */
const AGAIN_MS = 50

/** @returns what `answer` does, if it comes in time @throws Error, as a rejection, when it does not; it is not called off */
export function inTime<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout
    let dueAt: number

    function wait(ms: number): void {
      dueAt = performance.now() + ms
      timer = setTimeout(judge, ms)
    }

    function judge(): void {
      if (performance.now() > dueAt + LATE_MS) wait(AGAIN_MS)
      else reject(new Error(`no answer from Redis within ${PATIENCE_MS} ms`))
    }

    wait(PATIENCE_MS)
    answer.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
