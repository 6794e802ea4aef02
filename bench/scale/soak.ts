/** `--only soak`: whether an instance grows under lasting load like a gateway's; `--minutes` says how long it lasts. */
import { startSide } from '../harness.js'
import { atMost, type Measurement } from '../measurement.js'
import type { Usage } from '../meter.js'
import { quartiles } from '../quartiles.js'
import { mixed } from '../scenarios/mixed.js'
import { evenly, load, warmUp } from '../sides.js'

/** Seconds between two looks. */
const INTERVAL = 10
const GOAL_GROWTH = 1.05
const MIB = 2 ** 20

export interface Sample extends Usage {
  /** Seconds since the first. */
  readonly at: number
}

export const soak: Measurement = {
  name: 'soak',
  about: 'memory of the service under lasting load, the mixed one',
  async measure(task) {
    const { minutes, warmUpRequests, signal, progress } = task
    const environment = { ...task.environment, ...(await mixed.environment(task.dir)) }
    progress('starting')
    const side = await startSide(mixed, environment, task)
    try {
      progress('warming up')
      let rate = await warmUp(side, warmUpRequests, signal)
      const samples: Sample[] = []
      const startedAt = performance.now()
      let requests = 0
      for (;;) {
        const at = (performance.now() - startedAt) / 1000
        samples.push({ at, ...(await side.subject.usage()) })
        if (at >= 60 * minutes) break
        progress(`minute ${(at / 60).toFixed(1)} of ${minutes}`)
        const part = evenly(side, rate * Math.min(INTERVAL, (60 * minutes) / 6))
        rate = (await load(side, part, signal)).requestsPerSecond
        requests += part
      }
      return judge(samples, requests)
    } finally {
      await side.subject.stop()
    }
  },
}

/**
 * In the first third the heap finds its size; whatever grows without bound does so in the last third
 * as in the middle one.
 */
export function judge(samples: readonly Sample[], requests: number) {
  const size = Math.floor(samples.length / 3)
  if (size === 0) throw new Error(`${samples.length} samples are too few`)
  const thirds = [samples.slice(0, size), samples.slice(size, -size), samples.slice(-size)] as const
  const rss = (some: readonly Sample[]) => quartiles(some.map(({ rssBytes }) => rssBytes / MIB)).median
  // Between two collections the heap is full of garbage: the lowest is nearest to what is in use.
  const heap = (some: readonly Sample[]) => Math.min(...some.map(({ heapBytes }) => heapBytes / MIB))
  const [first, middle, last] = thirds
  const perMinute = 60 * slope([...middle, ...last].map(({ at, rssBytes }) => [at, rssBytes / MIB]))
  const inWords = (figure: (some: readonly Sample[]) => number) =>
    thirds.map((some) => figure(some).toFixed(0)).join(', ')
  return {
    verdicts: [
      atMost(
        'lasting load: memory in the last third over the middle one',
        GOAL_GROWTH,
        rss(last) / rss(middle),
        '',
      ),
    ],
    text: [
      `${requests} requests; in each third of the time:`,
      `  resident ${inWords(rss)} MiB, heap in use ${inWords(heap)} MiB`,
      `  ${perMinute >= 0 ? '+' : ''}${perMinute.toFixed(2)} MiB resident a minute, after the first third`,
    ].join('\n'),
    figures: {
      requests,
      ...{ rssMiBFirst: rss(first), rssMiBMiddle: rss(middle), rssMiBLast: rss(last) },
      heapMiBLast: heap(last),
      mibPerMinute: perMinute,
    },
  }
}

/** Of the straight line that is nearest to the points, by least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (pick: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length
  const [middleX, middleY] = [mean(([x]) => x), mean(([, y]) => y)]
  const rise = mean(([x, y]) => (x - middleX) * (y - middleY))
  return rise / mean(([x]) => (x - middleX) ** 2)
}
