/** A program, run with `--expose-gc`: prints what a tick costs, ns, before and after all garbage is collected while nothing is asked. */
import { setTimeout as sleep } from 'node:timers/promises'
import { prepareForLongLife } from '../../src/server/long-lived.js'

const TICKS = 50_000

function series(): Promise<number> {
  return new Promise((resolve) => {
    const startedAt = performance.now()
    let left = TICKS
    const tick = (): void => {
      left -= 1
      if (left > 0) process.nextTick(tick)
      else setImmediate(resolve, ((performance.now() - startedAt) * 1e6) / TICKS)
    }
    process.nextTick(tick)
  })
}

/** Of several, since the first ones are for the compiler, and others have their work, too. */
async function least(): Promise<number> {
  let ns = Number.POSITIVE_INFINITY
  for (let i = 0; i < 12; i++) ns = Math.min(ns, await series())
  return ns
}

prepareForLongLife()
const before = await least()
for (let i = 0; i < 3; i++) {
  await sleep(10)
  globalThis.gc?.()
}
console.log(JSON.stringify({ before, after: await least() }))
