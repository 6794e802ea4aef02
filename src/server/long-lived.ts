/** What V8 does to a process that lives long and has many sessions, and what keeps it from that. */
import { executionAsyncResource } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'

/** Held for as long as the process lives; see below. */
const ticks: object[] = []

/**
 * Call it once, before there are sessions.
 *
 * - While memory fills with them, V8 sees that what is made in some places of the code lives long. It would make all of it among the
 *   old objects from then on, also what is garbage a moment later.
 * - `process.nextTick`, which each request goes through several times, makes an object with computed keys. V8 is quick at that for
 *   as long as it knows the hidden class; it forgets one of which there is no object when all of the heap is collected, and
 *   does not learn it again: after a collection while nothing is asked, a tick costs five times as much, and a
 *   rotation a tenth more, for good. So there is always one.
 */
export function prepareForLongLife(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
  process.nextTick(() => ticks.push(executionAsyncResource()))
}
