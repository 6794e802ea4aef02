/** The load that the bench makes: who asks what, and is every answer checked? */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { validating } from '../bench/devise-client.js'
import { drive } from '../bench/load.js'
import type { Conversation } from '../bench/scenario.js'
import { drawing } from '../bench/scenarios/crowd.js'

const never = new AbortController().signal

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('each connection follows its own chain', async (t) => {
  const chains = new Map<string, number>()
  const url = await serve(t, (request, response) => {
    const [chain = '', n] = String(request.headers['x-token']).split('.')
    const isNext = Number(n) === (chains.get(chain) ?? 0)
    chains.set(chain, Number(n) + 1)
    response.writeHead(isNext ? 200 : 409, { 'x-token': `${chain}.${Number(n) + 1}` }).end('{}')
  })
  const following = (name: string): Conversation => {
    let token = `${name}.0`
    let request = { method: 'GET', path: '/', headers: { 'x-token': token } } as const
    return {
      get request() {
        return request
      },
      receive({ status, headers }) {
        if (status !== 200) return `${token} was not next`
        token = String(headers['x-token'])
        request = { ...request, headers: { 'x-token': token } }
        return undefined
      },
    }
  }
  const load = await drive(url, ['a', 'b', 'c'].map(following), 90, never)
  t.strictSame(Object.fromEntries(chains), { a: 30, b: 30, c: 30 })
  t.equal(load.requests, 90)
  t.ok(load.latenciesMs.every((ms, i) => ms > 0 && ms >= (load.latenciesMs[i - 1] ?? 0)))
  t.ok(load.durationMs > 0 && load.bytes > 90 * 80)
})

t.test('requests of several sorts go out as they are, each judged by its own rule', async (t) => {
  const url = await serve(t, async (request, response) => {
    const { method, url, headers } = request
    response.end(`${method} ${url} ${headers['x-name']} ${await text(request)}`)
  })
  const sorts = [
    { method: 'GET', path: '/a', headers: { 'x-name': 'one' } },
    { method: 'GET', path: '/a', headers: { 'x-name': 'two' } },
    { method: 'POST', path: '/b', headers: { 'x-name': 'three' }, body: 'text' },
    { method: 'DELETE', path: '/b', headers: { 'x-name': 'four' } },
  ] as const
  const met = new Set<string>()
  const questions = sorts.map((request) => {
    const { method, path, headers } = request
    const expected = `${method} ${path} ${headers['x-name']} ${'body' in request ? request.body : ''}`
    return {
      request,
      judge({ body }: { body: string }) {
        met.add(body)
        return body === expected ? undefined : `${body} instead of ${expected}`
      },
    }
  })
  await drive(url, drawing(questions, 3), 300, never)
  t.equal(met.size, sorts.length)
})

t.test('one wrong answer, and there is no figure', async (t) => {
  let answered = 0
  const url = await serve(t, (_request, response) =>
    response.writeHead(++answered === 7 ? 500 : 200).end('{}'),
  )
  const conversation: Conversation = {
    request: { method: 'GET', path: '/', headers: {} },
    receive: ({ status }) => (status === 200 ? undefined : `a ${status}`),
  }
  await t.rejects(drive(url, [conversation], 1000, never), new Error('a 500'))
  t.ok(answered < 1000, 'it stops there')

  const gone = await serve(t, (request) => request.socket.destroy())
  await t.rejects(drive(gone, [conversation], 100, never), new Error('0 answers to 100 requests'))
})

t.test('an abort ends the load', async (t) => {
  const url = await serve(t, (_request, response) => response.end('{}'))
  const conversation = {
    request: { method: 'GET', path: '/', headers: {} },
    receive: () => undefined,
  } as const
  const stopping = new AbortController()
  const loaded = drive(url, [conversation], 1_000_000, stopping.signal)
  stopping.abort(new Error('enough'))
  await t.rejects(loaded, new Error('enough'))
})

t.test('the devise client accepts what its rule says and nothing else', async (t) => {
  const tuple = { token: 'cst_one', client: 'handle', uid: 'a@b.c' }
  const body = JSON.stringify({ success: true, data: { uid: 'a@b.c' } })
  const answers = {
    rotates: { status: 200, headers: { 'access-token': 'cst_two' }, body },
    repeats: { status: 200, headers: { 'access-token': 'cst_one' }, body },
    none: { status: 200, headers: {}, body },
  } as const
  for (const rule of ['rotates', 'repeats', 'none'] as const)
    for (const [kind, answer] of Object.entries(answers))
      t.equal(validating(tuple, rule).receive(answer) === undefined, kind === rule, `${rule}: ${kind}`)

  const conversation = validating(tuple, 'rotates')
  t.equal(conversation.receive(answers.rotates), undefined)
  t.equal(conversation.request.headers['access-token'], 'cst_two')
  t.match(conversation.receive(answers.rotates), /should be "rotates", but is "repeats"/)
  const other = { ...answers.repeats, body: JSON.stringify({ data: { uid: 'x@y.z' } }) }
  t.match(validating(tuple, 'repeats').receive(other), /not the user/)
  t.match(validating(tuple, 'repeats').receive({ ...other, status: 503 }), /^503/)
})
