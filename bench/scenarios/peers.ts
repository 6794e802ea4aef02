import type { Scenario } from '../scenario.js'

/** What one could pick instead, each configured for speed by its own documentation. */
export const peers: readonly Scenario[] = []
