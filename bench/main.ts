/** `npm run bench`: measures the built service and prints one table. */
import { asProgram } from './program.js'
import { bench } from './run.js'

await asProgram(bench)
