import type { Request } from './scenario.js'

/** @returns a request as it is sent to the server at `url` */
export function bytesOf(url: URL, { method, path, headers, body }: Request): Buffer {
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: keep-alive\r\n`
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`
  if (body === undefined) return Buffer.from(`${head}\r\n`)
  return Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}
