/** What may be wrong with the fields of an account, told all at once. */
import { type Attributes, canonicalName, isName } from '../account.js'
import { attributesProblem } from './attributes.js'
import { passwordProblem } from './password.js'

/** One thing wrong with one field; `message` ends a sentence that starts with the field's name, as in devise. */
export interface Problem {
  field: 'uid' | 'provider' | 'email' | 'attributes' | 'password'
  message: string
}

export type Invalid = { ok: false; code: 'invalid'; problems: readonly Problem[] }

/** RFC 5321 4.5.3.1.3, less the angle brackets. */
const MAX_EMAIL_LENGTH = 254

/** @returns whether `email` looks like an address: something, one @, something. Only a letter to it could tell more. */
function isEmail(email: string): boolean {
  const canonical = canonicalName(email)
  return isName(email) && canonical.length <= MAX_EMAIL_LENGTH && /^[^\s@]+@[^\s@]+$/.test(canonical)
}

/** @returns a refusal with everything that is wrong with the fields that are there; undefined when nothing is */
export function findInvalid(fields: {
  uid?: string
  provider?: string
  email?: string | null
  attributes?: Attributes
  password?: string
}): Invalid | undefined {
  const { uid, provider, email, attributes, password } = fields
  const problems: Problem[] = []
  const note = (field: Problem['field'], message: string | undefined): void => {
    if (message !== undefined) problems.push({ field, message })
  }
  if (uid !== undefined && !isName(uid)) note('uid', 'is invalid')
  if (provider !== undefined && !isName(provider)) note('provider', 'is invalid')
  if (typeof email === 'string' && !isEmail(email)) note('email', 'is not an email')
  if (attributes !== undefined) note('attributes', attributesProblem(attributes))
  if (password !== undefined) note('password', passwordProblem(password))
  return problems.length > 0 ? { ok: false, code: 'invalid', problems } : undefined
}
