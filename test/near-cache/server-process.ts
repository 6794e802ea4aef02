/** The built service as a process of its own, on a Redis that others use too. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { inCheckout } from '../support/checkout.js'

const entry = inCheckout('dist/server.js')
const wantedJwt = JSON.stringify({ jwt_token_description: 'job', jwt_token_life: '1 hour' })

export interface ServerProcess {
  pid: number
  /** The status of `POST /token/verify`. */
  verify(token: string): Promise<number>
  /** Ends the token's session. @returns the status */
  revoke(token: string): Promise<number>
  /** Opens a session of the same account, a JWT. @returns the status */
  openAnother(token: string): Promise<number>
}

export async function startServerProcess(t: Test, redisUrl: string, keys: string): Promise<ServerProcess> {
  const child = spawn(process.execPath, [entry], {
    env: {
      PATH: process.env.PATH,
      ...{ HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', REDIS_URL: redisUrl, COUNTERSIGN_KEYS: keys },
      ...{ COUNTERSIGN_DATA_DIR: join(tmpdir(), 'no-data'), COUNTERSIGN_GEO_DB: join(tmpdir(), 'no-geo') },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  let url: URL | undefined
  while (url === undefined) {
    const [chunk] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
    if (child.exitCode !== null) throw new Error(`it has ended: ${output}`)
    output += chunk
    const address = /listens on (http:\S+)\s/.exec(output)?.[1]
    if (address !== undefined) url = new URL(address)
  }
  child.stdout.resume()
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())

  const send = (method: string, path: string, token: string, body?: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json', 'content-length': body.length }),
      }
      const outgoing = request({ ...addressOf(url), agent, method, path, headers }, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
      })
      outgoing.once('error', reject).end(body)
    })
  return {
    pid: child.pid ?? 0,
    verify: (token) => send('POST', '/token/verify', token),
    revoke: (token) => send('DELETE', '/token', token, JSON.stringify({ id: token })),
    openAnother: (token) => send('POST', '/v1alpha/token', token, wantedJwt),
  }
}

const addressOf = ({ hostname, port }: URL) => ({ host: hostname, port })
