/** A push service on loopback: an https server of its own authority that keeps what it gets, and the browser behind it. */
import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { importJWK, type JWTPayload, jwtVerify } from 'jose'
import type { Test } from 'tap'
import type { ReachOptions } from '../../src/push/reach.js'
import { until } from './redis-groups.js'

export const PUSH_HOST = 'push.example.test'
export const PUSH_ORIGIN = `https://${PUSH_HOST}`

/** For that host; good for tests alone, until 2120. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg71WxMY+jMk6mmgxg
DiXv3ghs9NUyQBTAzZZj2Fc1ZDKhRANCAATi1wQHyHJnnz6i0wL6zL7lJ1dYvRQx
YvkLKsqECR+J6wp9MIw59lKs4VGkbssfwwbKZ92ajnmRkleUsq4pXzKa
-----END PRIVATE KEY-----`
const cert = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIBATAKBggqhkjOPQQDAjAcMRowGAYDVQQDDBFwdXNoLmV4
YW1wbGUudGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowHDEa
MBgGA1UEAwwRcHVzaC5leGFtcGxlLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAATi1wQHyHJnnz6i0wL6zL7lJ1dYvRQxYvkLKsqECR+J6wp9MIw59lKs4VGk
bssfwwbKZ92ajnmRkleUsq4pXzKao1AwTjAcBgNVHREEFTATghFwdXNoLmV4YW1w
bGUudGVzdDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBQPkYL39KygGi2xvQD/
AaZo5WlvlDAKBggqhkjOPQQDAgNIADBFAiAwEL2N6H33dIMvrRPdK8e5d7ETbJKC
9rVZI+W1TmlSRgIhAMLvR5sXNOwlJOv12Bl5h2FbHfeME7O6Ie7uPxhFjTv2
-----END CERTIFICATE-----`

export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface PushService {
  /** Everything that came, in order. */
  received: Received[]
  /** How many connections were made, finished or not. */
  connections(): number
  /** What it answers from now on; 201 at first, undefined: nothing at all. */
  status: number | undefined
  port: number
  /** Leads a service of ours here: as if this were the public network. */
  reach: ReachOptions
  /** Waits until `count` messages have come in all. */
  reached(count: number): Promise<readonly Received[]>
}

/** Starts it; it ends with the test. */
export async function startPushService(t: Test): Promise<PushService> {
  const received: Received[] = []
  const sockets = new Set<Duplex>()
  let connections = 0
  const server = createServer({ key, cert }, async (request, response) => {
    const body = await buffer(request)
    received.push({ path: request.url ?? '', headers: request.headers, body })
    if (service.status === undefined) return
    response.writeHead(service.status, { location: `${PUSH_ORIGIN}/elsewhere` })
    response.end()
  })
  server.on('connection', (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const service: PushService = {
    received,
    connections: () => connections,
    status: 201,
    port,
    reach: {
      isPublic: (ip) => ip === '127.0.0.1',
      resolve: async (host) => (host === PUSH_HOST ? ['127.0.0.1'] : []),
      tls: { ca: cert, port },
    },
    async reached(count) {
      await until(`${count} messages`, () => received.length >= count)
      return received
    },
  }
  return service
}

export interface Browser {
  /** What `JSON.stringify` makes of its `PushSubscription`. */
  subscription: { endpoint: string; expirationTime: null; keys: { p256dh: string; auth: string } }
  /** Decrypts what its service worker would get (RFC 8291, RFC 8188). */
  read(message: Received): unknown
}

/** A browser that has subscribed, with an endpoint of its own. */
export function subscribeBrowser(name = randomBytes(12).toString('base64url')): Browser {
  const pair = createECDH('prime256v1')
  pair.generateKeys()
  const auth = randomBytes(16)
  return {
    subscription: {
      endpoint: `${PUSH_ORIGIN}/send/${name}`,
      expirationTime: null,
      keys: { p256dh: pair.getPublicKey('base64url'), auth: auth.toString('base64url') },
    },
    read: ({ headers, body }) => {
      if (headers['content-encoding'] !== 'aes128gcm') throw new Error('another encoding')
      return JSON.parse(decrypt(body, pair, auth))
    },
  }
}

function decrypt(body: Buffer, pair: ECDH, auth: Buffer): string {
  const salt = body.subarray(0, 16)
  const idLength = body.readUInt8(20)
  const sender = body.subarray(21, 21 + idLength)
  const sealed = body.subarray(21 + idLength)
  const derive = (secret: Buffer, salt: Buffer, info: string | Buffer, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, salt, info, length))
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), pair.getPublicKey(), sender])
  const secret = derive(pair.computeSecret(sender), auth, info, 32)
  const contentKey = derive(secret, salt, 'Content-Encoding: aes128gcm\0', 16)
  const nonce = derive(secret, salt, 'Content-Encoding: nonce\0', 12)
  const decipher = createDecipheriv('aes-128-gcm', contentKey, nonce).setAuthTag(sealed.subarray(-16))
  const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
  const end = padded.lastIndexOf(2) // the delimiter of the last record
  return padded.subarray(0, end).toString()
}

/**
 * Checks the signature by which the message is ours (RFC 8292) as a push service does.
 *
 * @returns its claims, and the public key that signed
 */
export async function verifyVapid({ headers }: Received): Promise<{ claims: JWTPayload; publicKey: string }> {
  const [, token = '', publicKey = ''] = /^vapid t=([^,]+), k=(\S+)$/.exec(headers.authorization ?? '') ?? []
  const point = Buffer.from(publicKey, 'base64url')
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: point.toString('base64url', 1, 33),
    y: point.toString('base64url', 33),
  }
  const { payload } = await jwtVerify(token, await importJWK(jwk, 'ES256'), {
    audience: PUSH_ORIGIN,
    algorithms: ['ES256'],
  })
  return { claims: payload, publicKey }
}
