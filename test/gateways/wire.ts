/** The way from a gateway to the service: it tells what the gateway asks, and can fail in every way that a network can. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

export interface Wire {
  readonly port: number
  /** The heads of all that the gateway has asked so far, as they came; a body would stand at the head of the next. */
  asked(): string[]
  /** Connections are refused. */
  down(): Promise<void>
  /** Connections are taken, and nothing comes back. */
  freeze(): void
  /** Every question is answered with 429, and `Retry-After: 7`. */
  overload(): void
  /** All is well again, on new connections. */
  mend(): Promise<void>
}

const TOO_MANY = 'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n'

export async function openWire(t: Test, servicePort: number): Promise<Wire> {
  const open = new Set<Socket>()
  const heads: string[] = []
  let state: 'well' | 'frozen' | 'overloaded' = 'well'

  const server = createServer((gateway) => {
    const service = connect(servicePort, '127.0.0.1')
    for (const end of [gateway, service]) {
      open.add(end)
      end.on('error', () => {}) // the other end hears of it by its close
      end.on('close', () => {
        open.delete(end)
        gateway.destroy()
        service.destroy()
      })
    }
    let text = ''
    gateway.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const parts = text.split('\r\n\r\n')
      text = parts.pop() ?? ''
      heads.push(...parts)
      if (state === 'well') service.write(chunk)
      if (state === 'overloaded') for (const _ of parts) gateway.write(TOO_MANY)
    })
    service.on('data', (chunk) => gateway.write(chunk))
  })

  const cut = (): void => {
    for (const end of open) end.destroy()
  }
  const close = (): void => {
    server.close()
    cut()
  }
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  t.teardown(close)

  return {
    port,
    asked: () => [...heads],
    async down() {
      const closed = once(server, 'close')
      close()
      await closed
    },
    freeze() {
      state = 'frozen'
    },
    overload() {
      state = 'overloaded'
    },
    async mend() {
      state = 'well'
      cut()
      if (!server.listening) await once(server.listen(port, '127.0.0.1'), 'listening')
    },
  }
}
