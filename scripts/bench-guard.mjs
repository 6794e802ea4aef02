/** `npm run bench:guard`: prepares what is missing, then becomes the guard. */
import { build, buildBench, fetchRedis, install, requireNode } from './prepare.mjs'

requireNode()
install()
build()
buildBench()
await fetchRedis()
await import('../dist-bench/bench/guard/main.js')
