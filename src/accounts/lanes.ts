/** Costly work in a few lanes with a short queue, so that a flood of it is refused at once instead of late. */
import { Overloaded } from '../errors.js'

export interface Lanes {
  /**
   * Runs `work` as soon as a lane is free, first come first served.
   *
   * @throws Overloaded when as much is waiting as may
   */
  run<T>(work: () => Promise<T>): Promise<T>
  readonly running: number
  readonly waiting: number
}

/** @param what names the work in the fault, such as `password hashing` */
export function createLanes(what: string, lanes: number, maxWaiting: number): Lanes {
  const queue: (() => void)[] = []
  let running = 0

  return {
    async run(work) {
      if (running >= lanes) {
        if (queue.length >= maxWaiting) throw new Overloaded(what)
        // Whoever leaves hands its lane on, so `running` already counts us when we wake.
        await new Promise<void>((resolve) => queue.push(resolve))
      } else running++
      try {
        return await work()
      } finally {
        const next = queue.shift()
        if (next === undefined) running--
        else next()
      }
    },
    get running() {
      return running
    },
    get waiting() {
      return queue.length
    },
  }
}
