/** The floor: a bare Fastify route that gives one known answer. Its process reads that answer from its input, in JSON. */
import { text } from 'node:stream/consumers'
import fastify from 'fastify'
import type { Request } from './scenario.js'

/** What the route gives: the service's own answer, told once. */
export interface FloorAnswer {
  readonly method: Request['method']
  readonly path: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Absent for an empty body. */
  readonly json?: unknown
}

const answer: FloorAnswer = JSON.parse(await text(process.stdin))
const { method, path, status, headers, json } = answer
const app = fastify()
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body)) // forms
app.route({
  method,
  url: path,
  handler: async (_request, reply) => {
    reply.code(status).headers(headers)
    return json ?? reply.send()
  },
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
