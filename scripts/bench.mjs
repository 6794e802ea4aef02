/** `npm run bench`: prepares what is missing, then becomes the bench. */
import { build, buildBench, fetchRedis, install, requireNode } from './prepare.mjs'

requireNode()
install()
build()
buildBench()
await fetchRedis()
await import('../dist-bench/bench/main.js')
