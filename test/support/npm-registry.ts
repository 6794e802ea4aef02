/** As much of an npm registry as npm needs to find and fetch one package, with the faults that networks have. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

export interface Faults {
  /** Cuts the connection after so many bytes of a tarball; one number for each request that is to be cut. */
  cutAfter: number[]
  /** Sends so many bytes of a tarball and then nothing more. */
  stallAfter: number | undefined
  /** Sends a tarball in so many pieces, each a tenth of a second after the last. */
  pieces: number
  /** Answers every request for a tarball with all of it. */
  noRanges: boolean
  /** Answers everybody but npm with this status. */
  refuseWith: number | undefined
  /** Changes a byte of the tarball on its way. */
  corrupt: boolean
}

export interface TestRegistry {
  url: string
  faults: Faults
  /** The `range` header of every request for a tarball, '' when there was none. */
  tarballRequests: string[]
  /** Makes a version the latest; its tarball holds these files. */
  publish(
    version: string,
    files: Readonly<Record<string, Buffer>>,
  ): { bytes: number; tarballUrl: string; integrity: string }
  close(): Promise<void>
}

/** A registry with the one package `name`, on loopback; it ends with the test. */
export async function startRegistry(t: Test, name: string): Promise<TestRegistry> {
  const dir = mkdtempSync(join(tmpdir(), 'cs-npm-'))
  const tarballs = new Map<string, Buffer>()
  const versions: Record<string, unknown> = {}
  const faults: Faults = {
    cutAfter: [],
    stallAfter: undefined,
    pieces: 1,
    noRanges: false,
    refuseWith: undefined,
    corrupt: false,
  }
  const tarballRequests: string[] = []
  let latest = ''

  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    const tarball = tarballs.get(path)
    if (tarball) return sendTarball(tarball, request, response)
    response.statusCode = path === `/${name}` ? 200 : 404
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify(
        path === `/${name}` ? { name, 'dist-tags': { latest }, versions } : { error: 'not found' },
      ),
    )
  })

  function sendTarball(tarball: Buffer, request: IncomingMessage, response: ServerResponse): void {
    tarballRequests.push(request.headers.range ?? '')
    const isNpm = request.headers['user-agent']?.startsWith('npm/')
    if (faults.refuseWith !== undefined && !isNpm) {
      response.writeHead(faults.refuseWith).end()
      return
    }
    const asked = faults.noRanges ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
    const start = Number(asked?.[1] ?? 0)
    const total = tarball.length
    if (start >= total) {
      response.writeHead(416, { 'content-range': `bytes */${total}` }).end()
      return
    }
    const part = Buffer.from(tarball.subarray(start))
    if (faults.corrupt) part[part.length - 1] = 255 - (part.at(-1) ?? 0)
    if (asked)
      response.writeHead(206, {
        'content-range': `bytes ${start}-${total - 1}/${total}`,
        'content-length': part.length,
      })
    else response.writeHead(200, { 'content-length': part.length })
    const limit = faults.cutAfter.shift()
    if (limit !== undefined)
      response.write(part.subarray(0, limit), () => setTimeout(() => response.destroy(), 20))
    else if (faults.stallAfter !== undefined) response.write(part.subarray(0, faults.stallAfter))
    else sendPieces(part, response)
  }

  function sendPieces(part: Buffer, response: ServerResponse): void {
    if (faults.pieces === 1) {
      response.end(part)
      return
    }
    const length = Math.ceil(part.length / faults.pieces)
    let at = 0
    const timer = setInterval(() => {
      response.write(part.subarray(at, at + length))
      at += length
      if (at >= part.length) response.end()
      if (at >= part.length || response.destroyed) clearInterval(timer)
    }, 100)
  }

  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((closed) => server.close(() => closed()))
  }
  t.teardown(async () => {
    await close()
    rmSync(dir, { recursive: true })
  })

  return {
    url,
    faults,
    tarballRequests,
    publish(version, files) {
      const folder = join(dir, version, 'package')
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version }))
      for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes)
      const path = join(dir, `${version}.tgz`)
      execFileSync('tar', ['-czf', path, '-C', join(dir, version), 'package'])
      const tarball = readFileSync(path)
      const tarballUrl = `${url}/${name}/-/${version}.tgz`
      tarballs.set(new URL(tarballUrl).pathname, tarball)
      const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
      const shasum = createHash('sha1').update(tarball).digest('hex')
      versions[version] = { name, version, dist: { tarball: tarballUrl, integrity, shasum } }
      latest = version
      return { bytes: tarball.length, tarballUrl, integrity }
    },
    close,
  }
}
