/** `npm start`: prepares what is missing, then becomes the service. */
import { build, install, requireNode } from './prepare.mjs'

requireNode()
install()
build()
process.setSourceMapsEnabled(true)
await import('../dist/server.js')
