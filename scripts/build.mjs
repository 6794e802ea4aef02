/** `npm run build`: installs what is missing and compiles `src` to `dist`. */
import { build, install, requireNode } from './prepare.mjs'

requireNode()
install()
build()
