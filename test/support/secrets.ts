/**
 * The canary of every test service: whatever secret it issued or was given may stand neither in a line of its log, at
 * any level, nor in anything that it ever wrote to Redis, in no spelling.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'

export interface Secrets {
  /** For pino: keeps every line. */
  log: { write(line: string): void }
  lines: readonly string[]
  /** Passwords, keys and whatever else must not be seen again. */
  guard(secret: string | Buffer): void
  /** Guards every token that `app` hands out from now on. */
  listenTo(app: FastifyInstance): void
  /** @returns where a guarded secret was found: in the log, or in the files of the Redis that lives in `redisDir` */
  findLeaks(redisDir: string): Promise<string[]>
}

const TOKEN = /cst_[\w-]{55}/g
/** Without its signature a JWT opens nothing, and what it says is no secret. */
const JWT = /eyJ[\w-]+\.[\w-]+\.([\w-]+)/g
/** Where the session's secret lies in the bytes of a token. */
const SECRET_BYTES = [3, 19] as const
/** Shorter parts would be found by chance. */
const SHORTEST = 8

export function watchSecrets(): Secrets {
  const lines: string[] = []
  const guarded = new Map<string, string[]>()

  function guard(secret: string | Buffer): void {
    const bytes = Buffer.from(secret)
    if (bytes.length >= SHORTEST) guarded.set(bytes.toString('hex'), spellings(bytes))
  }

  /** A token, and the secret in it, which alone would be as good once somebody had the master key; a JWT's signature. */
  function learn(text: string): void {
    for (const [, signature = ''] of text.matchAll(JWT)) guard(signature)
    for (const [token] of text.matchAll(TOKEN)) {
      guard(token)
      guard(Buffer.from(token.slice('cst_'.length), 'base64url').subarray(...SECRET_BYTES))
    }
  }

  function find(where: string, text: string): string[] {
    const found = [...guarded.values()].flat().find((spelling) => text.includes(spelling))
    return found === undefined ? [] : [`${where} has a secret in it: ${JSON.stringify(found)}`]
  }

  return {
    lines,
    log: { write: (line) => void lines.push(line) },
    guard,

    listenTo(app) {
      app.server.on('connection', (socket) => {
        const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
        socket.write = (...args: unknown[]) => {
          learn(String(args[0]))
          return write(...args)
        }
      })
      const inject = app.inject.bind(app) as (
        ...args: unknown[]
      ) => Promise<{ headers: object; body: string }>
      app.inject = (async (...args: unknown[]) => {
        const answer = await inject(...args)
        learn(JSON.stringify(answer.headers) + answer.body)
        return answer
      }) as typeof app.inject // the forms with a callback or a chain are not used here
    },

    async findLeaks(redisDir) {
      const entries = await readdir(redisDir, { recursive: true, withFileTypes: true })
      const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
      const written = await Promise.all(files.map(async (file) => find(file, await readFile(file, 'latin1'))))
      return [
        ...lines.flatMap((line) => find(`the log line ${line.slice(0, 200)}`, line + numbersAsText(line))),
        ...written.flat(),
      ]
    },
  }
}

/** The ways in which bytes end up in text: as they are, escaped, in a URL, a form, in base64 at any offset, in hex. */
function spellings(bytes: Buffer): string[] {
  const latin1 = bytes.toString('latin1')
  const text = bytes.toString('utf8')
  const base64 = [0, 1, 2].map((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The characters at both ends carry bits of what stands beside.
    return shifted.slice(Math.ceil((offset * 4) / 3), -1)
  })
  const isText = Buffer.from(text, 'utf8').equals(bytes)
  return [
    latin1,
    ...(isText ? [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), formEncode(text)] : []),
    ...base64,
    ...base64.map((part) => part.replaceAll('+', '-').replaceAll('/', '_')),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
  ]
}

const formEncode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)

/** Buffers are logged as arrays of numbers. */
function numbersAsText(line: string): string {
  return [...line.matchAll(/\[(\d{1,3}(?:,\d{1,3}){7,})\]/g)]
    .map(([, numbers = '']) => Buffer.from(numbers.split(',').map(Number)).toString('latin1'))
    .join('\n')
}
