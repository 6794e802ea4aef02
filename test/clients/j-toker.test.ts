import t from 'tap'
import { everyday } from './everyday.js'
import { rotation } from './rotation.js'
import { storms } from './storms.js'
import { createWorld } from './world.js'

const world = await createWorld(t, { script: 'j-toker.cjs' })
everyday(world)
rotation(world)
storms(world, { tellsOrder: false })
