/** `npm run bench:guard`. */
import { asProgram } from '../program.js'
import { guard } from './guard.js'

await asProgram(guard)
