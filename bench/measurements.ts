/** All that is measured in another way than a request beside the floor. */
import { inProcess } from './in-process.js'
import type { Measurement } from './measurement.js'
import { memory } from './memory-goal.js'
import { scale } from './scale/scale.js'
import { workers } from './workers.js'

export const measurements: readonly Measurement[] = [inProcess, memory, workers, ...scale]
