/**
 * Attributes are free JSON that clients may write, so they are bounded, and may not pass for what we say ourselves:
 * a dialect shows them beside `id`, `uid`, `email` and `roles` in one object.
 */
import type { Attributes, Json } from '../account.js'

const MAX_BYTES = 8192
const MAX_KEYS = 64
const MAX_DEPTH = 5

/** Top-level names that no attribute may have, refused rather than ignored; an HTTP layer may drop them beforehand. */
export const reservedAttributes: ReadonlySet<string> = new Set([
  ...[
    'id',
    'uid',
    'email',
    'provider',
    'roles',
    'tokens',
    'createdAt',
    'updatedAt',
    'created_at',
    'updated_at',
  ],
  ...['password', 'password_confirmation', 'current_password', 'encrypted_password', 'passwordHash'],
  ...['attributes', 'suspended', 'suspendedAt', 'notBefore', 'hasPassword'],
])

/** Names that would reach a prototype in code that copies objects carelessly. Refused at every depth. */
const DANGEROUS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

type JsonObject = { readonly [key: string]: Json }

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Goes at most `depth` levels down, so that hostile nesting cannot exhaust the stack. */
function shapeProblem(value: Json, depth: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === 0) return `are nested too deeply (maximum is ${MAX_DEPTH} levels)`
  for (const [key, inner] of Object.entries(value)) {
    if (DANGEROUS.has(key)) return `may not contain "${key}"`
    const problem = shapeProblem(inner, depth - 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** @returns why `attributes` (or a patch of them) are refused, as the end of a sentence that starts with "Attributes" */
export function attributesProblem(attributes: Attributes): string | undefined {
  const keys = Object.keys(attributes)
  if (keys.length > MAX_KEYS) return `are too many (maximum is ${MAX_KEYS})`
  const reserved = keys.find((key) => reservedAttributes.has(key))
  if (reserved !== undefined) return `may not contain "${reserved}"`
  const problem = shapeProblem(attributes, MAX_DEPTH)
  if (problem !== undefined) return problem
  if (Buffer.byteLength(JSON.stringify(attributes)) > MAX_BYTES)
    return `are too large (maximum is ${MAX_BYTES} bytes)`
  return undefined
}

/**
 * Applies a JSON merge patch (RFC 7396): `null` removes, objects merge, anything else replaces. Expects a patch without
 * an `attributesProblem`: so recursion is bounded and no key is dangerous.
 */
export function patchAttributes(attributes: Attributes, patch: Attributes): Attributes {
  const merged = new Map(Object.entries(attributes))
  for (const [key, value] of Object.entries(patch)) {
    const old = merged.get(key)
    if (value === null) merged.delete(key)
    else if (isObject(value))
      merged.set(key, patchAttributes(old !== undefined && isObject(old) ? old : {}, value))
    else merged.set(key, value)
  }
  return Object.fromEntries(merged)
}
