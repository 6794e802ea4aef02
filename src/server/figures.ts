/**
 * What all workers have counted since the service started. A counter never goes back, although workers come and go: what
 * one has counted is kept when it ends. (Of one that is killed, what was known of it last.)
 */
import { type Figures, merge } from '../http/metrics.js'

export interface FiguresOfAll<Worker> {
  note(worker: Worker, figures: Figures): void
  ended(worker: Worker): void
  /** To be merged: those of each worker, and of all that have ended. */
  all(): Promise<Figures[]>
}

/** Starts with nothing; `Worker` is what workers are told apart by. */
export function createFigures<Worker>(): FiguresOfAll<Worker> {
  const latest = new Map<Worker, Figures>()
  let kept: Promise<Figures> = Promise.resolve([])
  return {
    note: (worker, figures) => void latest.set(worker, figures),
    ended(worker) {
      const last = latest.get(worker)?.filter(grows) ?? []
      latest.delete(worker)
      kept = kept.then((before) => merge([before, last]).getMetricsAsJSON())
    },
    all: async () => [await kept, ...latest.values()],
  }
}

/** The types are strings, whatever prom-client's declarations say. A gauge ends with its process. */
const grows = ({ type }: Figures[number]): boolean => ['counter', 'histogram'].includes(String(type))
