/** `npm run bench:figures`: prepares what is missing, then writes the figures of README.md and docs/. */
import { buildBench, install, requireNode } from './prepare.mjs'

requireNode()
install()
buildBench()
await import('../dist-bench/bench/figures/main.js')
