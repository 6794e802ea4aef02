import t from 'tap'
import { everyday } from './everyday.js'
import { lateAnswer, rotation } from './rotation.js'
import { storms } from './storms.js'
import { createWorld } from './world.js'

const world = await createWorld(t, { script: 'angular-token.cjs' })
everyday(world)
rotation(world)
lateAnswer(world)
storms(world)
