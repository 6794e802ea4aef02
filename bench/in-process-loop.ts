/** The program of `in-process.ts`: a Fastify app with the plugin, whose guard is called again and again. */
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import fastify, { type FastifyPluginAsync, type FastifyReply, type FastifyRequest } from 'fastify'
import type {} from '../src/http/auth.js' // what the plugin decorates an app with
import type { InProcessFigures, InProcessTask } from './in-process.js'

/** Requests of Fastify's own, each of which comes with another token every time. */
const REQUESTS = 256
/** Hits between which the event loop has its turn: what keeps the near-cache honest lives there. */
const AT_A_TIME = 1_000

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
for (let i = 0; i < REQUESTS; i++) await app.inject({ url: '/', headers })

const guard = app.requireAuth()
const bearers = task.sessions.map(({ token }) => `Bearer ${token}`)

async function present(bearer: string, i: number): Promise<void> {
  const { request, reply } = met[i % REQUESTS] as (typeof met)[number] // as many as that
  request.headers.authorization = bearer
  await guard.call(app, request, reply)
}

for (let i = 0; i < bearers.length; i += REQUESTS)
  await Promise.all(bearers.slice(i, i + REQUESTS).map((bearer, j) => present(bearer, j))) // one a request

async function round(): Promise<number> {
  const last: number[] = []
  const before = process.cpuUsage()
  for (let i = 0; i < task.hits; i++) {
    if (i % AT_A_TIME === 0) await turn()
    const drawn = Math.floor(Math.random() * bearers.length)
    last[i % REQUESTS] = drawn
    await present(bearers[drawn] as string, i)
  }
  const { user, system } = process.cpuUsage(before)
  for (const [i, drawn] of last.entries())
    if (met[i]?.request.auth.session !== task.sessions[drawn]?.handle)
      throw new Error('a session was not accepted')
  return (user + system) / task.hits
}

await round() // for the compiler
const figures: number[] = []
for (let i = 0; i < task.rounds; i++) figures.push(await round())
await app.close()
console.log(JSON.stringify(figures satisfies InProcessFigures))
