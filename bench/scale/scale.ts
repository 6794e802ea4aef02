/** What requests cost where there is much of everything, and what an instance takes. */
import type { Measurement } from '../measurement.js'
import { accountSize } from './account-size.js'
import { cluster } from './cluster.js'
import { crowded } from './crowded.js'
import { soak } from './soak.js'
import { start } from './start.js'

export const scale: readonly Measurement[] = [start, crowded, accountSize, cluster, soak]
