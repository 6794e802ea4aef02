/** `--only start`: how soon a built service answers, and what it takes before anybody asks it anything. */
import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../load.js'
import { atMost, type Measurement } from '../measurement.js'
import { quartiles } from '../quartiles.js'
import { startService } from '../subject.js'

const STARTS = 5
const GOAL_MS = 1_000
const IDLE_MS = 5_000
const MIB = 2 ** 20

export const start: Measurement = {
  name: 'start',
  about:
    'from the start of the process, with Redis up, to the first answer; and the memory of an idle instance',
  async measure({ service, environment, signal, progress }) {
    const times: number[] = []
    let idle = { rssBytes: 0, heapBytes: 0 }
    for (let i = 1; i <= STARTS; i++) {
      signal.throwIfAborted()
      progress(`start ${i} of ${STARTS}`)
      const startedAt = performance.now()
      const subject = await startService(service, environment)
      try {
        const { status } = await ask(subject.url, { method: 'GET', path: '/readyz', headers: {} })
        times.push(performance.now() - startedAt)
        if (status !== 200) throw new Error(`not ready when it says so: ${status}`)
        if (i < STARTS) continue
        await delay(IDLE_MS, undefined, { signal })
        idle = await subject.usage()
      } finally {
        await subject.stop()
      }
    }
    const { q1, median, q3 } = quartiles(times)
    const [rss, heap] = [idle.rssBytes / MIB, idle.heapBytes / MIB]
    return {
      verdicts: [atMost('start to first answer', GOAL_MS, median, ' ms', 0)],
      text: [
        `${median.toFixed(0)} [${q1.toFixed(0)} ${q3.toFixed(0)}] ms to the first answer, of ${STARTS} starts`,
        `${rss.toFixed(0)} MiB resident when idle for ${IDLE_MS / 1000} s, ${heap.toFixed(0)} MiB of them heap in use`,
      ].join('\n'),
      figures: { startMs: median, idleRssMiB: rss, idleHeapMiB: heap },
    }
  },
}
