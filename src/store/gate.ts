/** Every call to Redis passes here: bounded in number, and with Redis' troubles translated. */
import { StoreUnavailable } from '../errors.js'
import { orUnavailable } from './faults.js'

export interface Gate {
  /** Whoever enters leaves once. @throws StoreUnavailable when too many are in */
  enter(): void
  leave(): void
  /** Enters for the time of one call. @throws StoreUnavailable, as a rejection, also when Redis cannot answer */
  pass<T>(call: () => Promise<T>): Promise<T>
}

/** @param most calls that may be in flight at once; further ones fail at once rather than queue */
export function createGate(most: number): Gate {
  let inFlight = 0

  function enter(): void {
    if (inFlight >= most) throw new StoreUnavailable(new Error('too many calls in flight'))
    inFlight++
  }

  function leave(): void {
    inFlight--
  }

  return {
    enter,
    leave,
    async pass(call) {
      enter()
      try {
        return await orUnavailable(call())
      } finally {
        leave()
      }
    },
  }
}
