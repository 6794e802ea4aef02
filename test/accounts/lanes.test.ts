import t from 'tap'
import { createLanes } from '../../src/accounts/lanes.js'
import { Overloaded } from '../../src/errors.js'

/** Work that ends when it is told to. */
function controlled() {
  const started: string[] = []
  const ends = new Map<string, (fail?: Error) => void>()
  const work = (name: string) => () => {
    started.push(name)
    return new Promise<string>((resolve, reject) => {
      ends.set(name, (fail) => (fail === undefined ? resolve(name) : reject(fail)))
    })
  }
  return { started, work, end: (name: string, fail?: Error) => ends.get(name)?.(fail) }
}

t.test('runs as many as there are lanes, queues some, refuses the rest', async (t) => {
  const { started, work, end } = controlled()
  const lanes = createLanes('counting', 2, 1)
  const [a, b, c] = ['a', 'b', 'c'].map((name) => lanes.run(work(name)))
  t.strictSame([started, lanes.running, lanes.waiting], [['a', 'b'], 2, 1])
  await t.rejects(lanes.run(work('d')), new Overloaded('counting'))
  t.match(new Overloaded('counting'), { statusCode: 503, retryAfterSeconds: 1 })

  end('a')
  t.equal(await a, 'a')
  t.strictSame([started, lanes.running, lanes.waiting], [['a', 'b', 'c'], 2, 0])
  end('b')
  end('c')
  t.strictSame(await Promise.all([b, c]), ['b', 'c'])
  t.strictSame([lanes.running, lanes.waiting], [0, 0])
})

t.test('a lane is never shared: newcomers do not overtake whoever was woken', async (t) => {
  const { started, work, end } = controlled()
  const lanes = createLanes('counting', 1, 2)
  const first = lanes.run(work('first'))
  const second = lanes.run(work('second'))
  const third = first.then(() => lanes.run(work('third')))
  end('first')
  await first
  await new Promise(setImmediate)
  t.strictSame([started, lanes.running, lanes.waiting], [['first', 'second'], 1, 1])
  end('second')
  await second
  await new Promise(setImmediate)
  end('third')
  t.equal(await third, 'third')
  t.equal(lanes.running, 0)
})

t.test('failed work frees its lane', async (t) => {
  const { work, end } = controlled()
  const lanes = createLanes('counting', 1, 1)
  const failing = lanes.run(work('failing'))
  const next = lanes.run(work('next'))
  end('failing', new Error('no'))
  await t.rejects(failing, { message: 'no' })
  end('next')
  t.equal(await next, 'next')
  const thrower = () => {
    throw new Error('at once')
  }
  await t.rejects(lanes.run(thrower), { message: 'at once' })
  t.equal(lanes.running, 0)
})
