/**
 * Preloaded beside the meter: counts what the process calls of `node:crypto`, and what it writes to its output. Unlike
 * time, these figures are the same on every machine.
 */
import crypto from 'node:crypto'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/** How often each was called since the start. */
export type Counts = Readonly<Record<string, number>>

const counts: Record<string, number> = {}

/** Puts a function in the place of `object[name]` that counts its calls, or those that `isMeant`, and does the same. */
function count<Name extends string>(
  object: Record<Name, (...given: never[]) => unknown>,
  name: Name,
  as: string,
  isMeant: (...given: unknown[]) => boolean = () => true,
): void {
  counts[as] = 0
  const original = object[name] as (...given: unknown[]) => unknown // it gets what its callers give it
  object[name] = function (this: unknown, ...given: unknown[]) {
    if (isMeant(...given)) counts[as] = (counts[as] ?? 0) + 1
    return original.apply(this, given)
  }
}

const functions = [
  'hash',
  'createHash',
  'createHmac',
  'timingSafeEqual',
  'sign',
  'verify',
  'randomFillSync',
] as const
for (const name of functions) count(crypto, name, `crypto.${name}`)

/** Pipes are written to by the stream; what goes to them by number, as the logger does, by the file system. */
const isOutput = (fd: unknown) => fd === 1 || fd === 2
const OUTPUT = 'writes to its output'
for (const name of ['write', 'writeSync', 'writev', 'writevSync'] as const) count(fs, name, OUTPUT, isOutput)
for (const stream of [process.stdout, process.stderr]) count(stream, 'write', OUTPUT)
syncBuiltinESMExports()

process.on('message', (question) => {
  if (question === 'counts') process.send?.(counts)
})
