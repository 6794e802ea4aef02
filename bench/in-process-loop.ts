/**
 * The program of `in-process.ts`: a Fastify app with the plugin, whose guard is called again and again. Only the guard is timed, without what the
 * loop, the draw and Fastify need: a batch of requests is prepared, each with a token in a string of its own, such as a server has
 * just read it from a socket; then the guard is called for one after the other between two looks at the clock; then what
 * it has proved is compared. (An empty guard takes 0.02 µs.)
 */
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import fastify, { type FastifyPluginAsync, type FastifyReply, type FastifyRequest } from 'fastify'
import type {} from '../src/http/auth.js' // what the plugin decorates an app with
import type { InProcessFigures, InProcessTask } from './in-process.js'

/** Requests of a batch. Between two of them the event loop has its turn: what keeps the near-cache honest lives there. */
const BATCH = 256

const task: InProcessTask = JSON.parse(await text(process.stdin))
const plugin: { default: FastifyPluginAsync<{ env: InProcessTask['environment'] }> } = await import(
  pathToFileURL(task.entry).href
)
const app = fastify()
await app.register(plugin.default, { env: task.environment })
const met: { request: FastifyRequest; reply: FastifyReply }[] = []
app.get('/', async (request, reply) => {
  met.push({ request, reply })
  return null
})
const headers = { authorization: 'Bearer', 'user-agent': 'bench' }
for (let i = 0; i < BATCH; i++) await app.inject({ url: '/', headers })

const guard = app.requireAuth()
const crowd = task.sessions.map(({ token, handle }) => ({ bearer: Buffer.from(`Bearer ${token}`), handle }))

/** Presents the tokens of as many of the crowd as there are requests. @returns CPU of the guard, microseconds */
async function present(some: readonly (typeof crowd)[number][]): Promise<number> {
  for (const [i, { request }] of met.entries())
    request.headers.authorization = some[i]?.bearer.toString('latin1')
  const answers: unknown[] = []
  const before = process.cpuUsage()
  for (const { request, reply } of met) answers.push(guard.call(app, request, reply))
  const { user, system } = process.cpuUsage(before)
  await Promise.all(answers)
  for (const [i, { request }] of met.entries())
    if (request.auth.session !== some[i]?.handle) throw new Error('a session was not accepted')
  await turn()
  return user + system
}

/** @returns CPU of one hit, sessions drawn from the first `size` of the crowd */
async function round(size: number): Promise<number> {
  const batches = Math.ceil(task.hits / BATCH)
  const draw = () => crowd[Math.floor(Math.random() * size)] as (typeof crowd)[number] // one of them
  let micros = 0
  for (let i = 0; i < batches; i++) micros += await present(Array.from({ length: BATCH }, draw))
  return micros / (batches * BATCH)
}

for (let i = 0; i < crowd.length; i += BATCH)
  await present([...crowd.slice(i, i + BATCH), ...crowd].slice(0, BATCH))
const figures: number[][] = task.crowds.map(() => [])
for (let i = 0; i <= task.rounds; i++)
  for (const [j, size] of task.crowds.entries()) {
    const micros = await round(size)
    if (i > 0) figures[j]?.push(micros) // the first is for the compiler
  }
await app.close()
console.log(JSON.stringify(figures satisfies InProcessFigures))
