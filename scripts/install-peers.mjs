/** Installs the packages that the bench compares with. Scripts of theirs are not run. */
import { install } from './prepare.mjs'

install('bench/peers', '--ignore-scripts')
