/** `npm run bench`: prepares what is missing, then becomes the bench. */
import { build, buildTests, fetchRedis, install, requireNode } from './prepare.mjs'

requireNode()
install()
build()
buildTests()
await fetchRedis()
await import('../dist-test/bench/main.js')
