/** What stands behind a gateway: it answers with the request that it got. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A request as it arrived. */
export interface Arrived {
  method: string
  url: string
  /** In their order and case, doubled ones included. */
  headers: [name: string, value: string][]
  body: string
}

export interface Application {
  port: number
  /** How many requests have arrived. */
  count(): number
}

export async function startApplication(t: Test): Promise<Application> {
  let count = 0
  const server = createServer(async (request, response) => {
    count++
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url = '', rawHeaders } = request
    const headers: Arrived['headers'] = []
    for (let i = 0; i < rawHeaders.length; i += 2)
      headers.push([rawHeaders[i] ?? '', rawHeaders[i + 1] ?? ''])
    const arrived: Arrived = { method, url, headers, body: Buffer.concat(chunks).toString('latin1') }
    const answer = Buffer.from(JSON.stringify(arrived))
    // It tries to hand out a token of its own.
    response.writeHead(200, { 'content-length': answer.length, 'access-token': 'its own', 'x-app': 'yes' })
    response.end(answer)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, count: () => count }
}

/** The values of every header that an application may read as `name`: other cases, `_` and `.` for `-`. */
export function readAs(name: string, { headers }: Arrived): string[] {
  const fold = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
  return headers.filter(([other]) => fold(other) === name).map(([, value]) => value)
}
