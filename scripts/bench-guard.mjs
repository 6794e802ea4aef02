/** `npm run bench:guard`: prepares what is missing, then becomes the guard. */
import { build, buildTests, fetchRedis, install, requireNode } from './prepare.mjs'

requireNode()
install()
build()
buildTests()
await fetchRedis()
await import('../dist-test/bench/guard/main.js')
