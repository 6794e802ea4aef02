/** `--only soak`: whether an instance grows under lasting load like a gateway's; `--minutes` says how long it lasts. */
import { startSide } from '../harness.js'
import { atMost, type Measurement } from '../measurement.js'
import { quartiles } from '../quartiles.js'
import { mixed } from '../scenarios/mixed.js'
import { evenly, load, warmUp } from '../sides.js'

/** Seconds between two looks. */
const INTERVAL = 10
const GOAL_GROWTH = 1.05
const MIB = 2 ** 20

export interface Sample {
  /** Seconds since the first. */
  readonly at: number
  /** Garbage included, and the holes it leaves: V8 lets them grow to twice what is in use and more before it tidies up. */
  readonly residentBytes: number
  /** What a collection leaves on the heap. */
  readonly keptBytes: number
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
        const { rssBytes: residentBytes } = await side.subject.usage()
        const { heapBytes: keptBytes } = await side.subject.usageWithoutGarbage()
        samples.push({ at, residentBytes, keptBytes })
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
 * The first third shows how memory is filled with what is to be kept; whatever grows without bound does so in the last third
 * as in the middle one.
 */
export function judge(samples: readonly Sample[], requests: number) {
  const size = Math.floor(samples.length / 3)
  if (size === 0) throw new Error(`${samples.length} samples are too few`)
  const thirds = [samples.slice(0, size), samples.slice(size, -size), samples.slice(-size)] as const
  const resident = (some: readonly Sample[]) =>
    quartiles(some.map(({ residentBytes }) => residentBytes / MIB)).median
  const kept = (some: readonly Sample[]) => quartiles(some.map(({ keptBytes }) => keptBytes / MIB)).median
  const [first, middle, last] = thirds
  const perMinute = 60 * slope([...middle, ...last].map(({ at, keptBytes }) => [at, keptBytes / MIB]))
  const inWords = (figure: (some: readonly Sample[]) => number) =>
    thirds.map((some) => figure(some).toFixed(0)).join(', ')
  return {
    verdicts: [
      atMost(
        'lasting load: memory that is kept, in the last third over the middle one',
        GOAL_GROWTH,
        kept(last) / kept(middle),
        '',
      ),
    ],
    text: [
      `${requests} requests; in each third of the time:`,
      `  resident ${inWords(resident)} MiB, after a collection ${inWords(kept)} MiB`,
      `  ${perMinute >= 0 ? '+' : ''}${perMinute.toFixed(2)} MiB a minute are kept, after the first third`,
    ].join('\n'),
    figures: {
      requests,
      ...{ rssMiBFirst: resident(first), rssMiBMiddle: resident(middle), rssMiBLast: resident(last) },
      ...{ keptMiBFirst: kept(first), keptMiBMiddle: kept(middle), keptMiBLast: kept(last) },
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
