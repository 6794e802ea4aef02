/** `npm run bench:figures`: prepares what is missing, then writes the figures of README.md and docs/. */
import { buildTests, install, requireNode } from './prepare.mjs'

requireNode()
install()
buildTests()
await import('../dist-test/bench/figures/main.js')
