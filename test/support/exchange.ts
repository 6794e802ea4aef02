/** One HTTP exchange over a plain TCP connection: what is written is what is sent, what is read is what came. */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface Answer {
  /** `HTTP/1.1 200 OK` */
  status: string
  /** In their order and case, doubled ones included. */
  headers: readonly (readonly [name: string, value: string])[]
  body: string
}

/** Longer than any request may take; a test that waits for it has found a fault. */
const PATIENCE_MS = 20_000

/** Sends `bytes` as they are and reads until the other side closes. */
export async function sendRaw(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('no answer')))
  // The other side may close before it has read everything, as it does when a body is too large.
  const failure = new Promise<Error>((resolve) => socket.once('error', resolve))
  socket.write(bytes)
  const error = await Promise.race([once(socket, 'close'), failure])
  if (error instanceof Error && chunks.length === 0) throw error
  return Buffer.concat(chunks).toString('utf8')
}

/** @returns the one answer that `text` is, its body cut to nothing but what `content-length` announces */
export function readAnswer(text: string): Answer {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) throw new Error(`no answer: ${JSON.stringify(text)}`)
  const [status = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(': ')
    return [line.slice(0, colon), line.slice(colon + 2)] as const
  })
  return { status, headers, body: text.slice(end + 4) }
}

/** The values of header `name`, joined as RFC 9110 section 5.2 does; undefined when there is none. */
export function headerOf(answer: Answer, name: string): string | undefined {
  const values = answer.headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}
